// The options of the connection to Redis, from the configuration and the files that it names. Used by what
// connects to the Redis of [store].

import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import type { RedisStoreUrl } from '../../config/store-url.ts';
import type { Clock, Log } from '../../domain/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { RedisOptions } from '../../store/redis/connection/connect.ts';

/** More than any password or list of certificates has. */
const maxFileBytes = 1_048_576;

/** Throws CONFIG when a file cannot be read or is empty. */
export async function redisOptions(
  { store }: Config,
  url: RedisStoreUrl,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RedisOptions> {
  const { mode, nodes, db, master, tls } = url;
  const fromFile = store.password_file === '' ? '' : await textOf('password_file', store.password_file);
  const password = url.password ?? (store.password || fromFile.replace(/\r?\n$/, ''));
  const ca = store.ca === '' ? undefined : await textOf('ca', store.ca);
  return {
    mode,
    nodes,
    db,
    master,
    user: url.user ?? (store.user || undefined),
    password: password || undefined,
    sentinelPassword: store.sentinel_password || undefined,
    tls: tls ? { ca } : undefined,
    timeoutMs: store.timeout,
    replicas: store.replicas,
    replicaTimeoutMs: store.replica_timeout,
    clock,
    log,
  };
}

async function textOf(key: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new SwobError('CONFIG', `cannot read [store] ${key}: ${messageOf(error)}`, { cause: error });
  });
  const text = bytes.toString();
  if (text.trim() === '' || bytes.length > maxFileBytes) {
    throw new SwobError('CONFIG', `[store] ${key}: ${path} is empty or far too large`);
  }
  return text;
}
