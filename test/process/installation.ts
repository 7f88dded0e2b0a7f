// A folder with a configuration and a users stub, for tests of the real binary; removed when the test ends.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Store } from '../../src/domain/store.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import { absentSystemLines } from '../support/absent-systems.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';
import { writeServerKeys } from '../support/server-keys.ts';
import { onEnd } from '../support/teardown.ts';

const users = new Map([
  ['alice', 'correct horse'],
  ['bob', 'battery staple'],
]);

export interface Installation {
  /** The working folder of commands: they read its confs/conf.ini and create data/ in it. */
  readonly folder: string;
  /** The store's folder. */
  readonly data: string;
  /** The configuration file. */
  readonly conf: string;
}

export interface InstallationOptions {
  /** Additional configuration: `[section]` and keys. */
  readonly extra?: string;
  /** Of the users in the stub. */
  readonly passwords?: ReadonlyMap<string, string>;
  /** Without it the gateway creates its key pair itself, as on a first start. */
  readonly keys?: boolean;
}

/** The configuration has free ports and the stub's URLs. */
export async function createInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const folder = temporaryFolder();
  const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users: options.passwords ?? users });
  onEnd(() => stub.close());
  const conf = join(folder, 'confs', 'conf.ini');
  await mkdir(join(folder, 'confs'));
  if (options.keys ?? true) writeServerKeys(join(folder, 'data', 'security'));
  const extra = options.extra ?? '';
  const own = '[user_management_api]';
  const lines = [
    ...(await absentSystemLines(`${own}\n${extra}`)),
    own,
    `api_url = ${stub.url}`,
    `verification_url = ${stub.url}/v2/users/%s/verify`,
    `platforms_url = ${stub.url}/v2/users/%s/platforms`,
    '[websocket]',
    'port = 0',
    '[api]',
    'port = 0',
  ];
  await writeFile(conf, `${lines.join('\n')}\n${extra}\n`);
  return { folder, data: join(folder, 'data'), conf };
}

/** Opens a store that no process uses, reads it, and closes it. */
export async function inspectStore<T>(folder: string, inspect: (store: Store) => Promise<T>): Promise<T> {
  const store = await openLowdbStore({
    folder,
    clock: systemClock,
    log: createMemoryLog(),
    sessions: { openTtlMs: 1_000, pausedTtlMs: 1_000, pairedTtlMs: 1_000, maxOpen: 10 },
    seeds: { activeMs: 3_600_000, maxRegistered: 1_000_000 },
    clients: { max: 1_000 },
    tests: { ttlMs: 86_400_000, max: 1_000, maxPerClient: 1_000 },
    disconnects: { ttlMs: 60_000, max: 1_000, maxUntrusted: 100 },
    inbound: { max: 1_000_000 },
    receipts: { ttlMs: 86_400_000, max: 1_000_000 },
    callbacks: { max: 1_000_000 },
    messages: { ttlMs: 86_400_000, max: 1_000_000 },
    waitingSms: { max: 1_000_000 },
    responses: { ttlMs: 86_400_000, max: 1_000_000 },
    signOuts: { ttlMs: 86_400_000, max: 10_000 },
    monitoring: { maxNodes: 32, nodeTtlMs: 86_400_000, historyTtlMs: 86_400_000 },
  });
  try {
    return await inspect(store);
  } finally {
    await store.close();
  }
}

/** The port of a URL. */
export function portOf(url: string): number {
  return Number(new URL(url).port);
}
