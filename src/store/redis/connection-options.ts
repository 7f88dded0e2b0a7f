// The options of the Redis client, from [store] and the files that it names. Used by adapter.ts and inspect.ts.

import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { describeReadError, messageOf, SwobError } from '../../errors.ts';
import { decodeUtf8 } from '../../lib/utf8.ts';
import type { RedisOptions } from '../../redis/connect.ts';
import type { RedisStoreUrl } from './url.ts';

/** More than any password or certificate bundle needs. */
const maxFileBytes = 1_048_576;

/** Throws CONFIG when a file cannot be read or is empty. */
export async function redisOptions(
  { store }: Config,
  url: RedisStoreUrl,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RedisOptions> {
  const { mode, nodes, db, master, tls } = url;
  const fromFile = store.password_file === '' ? '' : await readText('password_file', store.password_file);
  const password = url.password ?? (store.password || fromFile.replace(/\r?\n$/, ''));
  const ca = store.ca === '' ? undefined : await readText('ca', store.ca);
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

async function readText(key: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new SwobError('CONFIG', `cannot read [store] ${key}: ${describeReadError(error)}`, {
      cause: error,
    });
  });
  const text = decode(key, path, bytes);
  if (text.trim() === '' || bytes.length > maxFileBytes) {
    throw new SwobError('CONFIG', `[store] ${key}: ${path} is empty or larger than ${maxFileBytes} bytes`);
  }
  return text;
}

/** Strict for passwords: replacing invalid bytes would change the password. */
function decode(key: string, path: string, bytes: Buffer): string {
  // A certificate bundle may contain comments in any encoding.
  if (key === 'ca') return bytes.toString();
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw new SwobError('CONFIG', `[store] ${key}: ${path}: ${messageOf(error)}`, { cause: error });
  }
}
