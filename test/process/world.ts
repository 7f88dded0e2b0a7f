// A folder with a configuration and a users stub, for tests of the real binary; gone when the test ends.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Store } from '../../src/domain/ports.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';

const users = new Map([
  ['alice', 'correct horse'],
  ['bob', 'battery staple'],
]);

export interface World {
  /** Where commands run: its confs/conf.ini is the one they find, and data/ comes to lie in it. */
  readonly folder: string;
  /** The store's folder. */
  readonly data: string;
  /** The configuration file. */
  readonly conf: string;
}

/** The configuration has free ports and the stub's URLs, and what `extra` says: `[section]` and keys. */
export async function createWorld(
  options: { readonly extra?: string; readonly passwords?: ReadonlyMap<string, string> } = {},
): Promise<World> {
  const folder = temporaryFolder();
  const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users: options.passwords ?? users });
  onTestFinished(() => stub.close());
  const conf = join(folder, 'confs', 'conf.ini');
  await mkdir(join(folder, 'confs'));
  const lines = [
    '[user_management_api]',
    `api_url = ${stub.url}`,
    `verification_url = ${stub.url}/v2/users/%s/verify`,
    `platforms_url = ${stub.url}/v2/users/%s/platforms`,
    '[websocket]',
    'port = 0',
    '[api]',
    'port = 0',
  ];
  await writeFile(conf, `${lines.join('\n')}\n${options.extra ?? ''}\n`);
  return { folder, data: join(folder, 'data'), conf };
}

/** Opens a store that no process has, looks, and closes it. */
export async function inspectStore<T>(folder: string, look: (store: Store) => Promise<T>): Promise<T> {
  const store = await openLowdbStore({
    folder,
    clock: systemClock,
    log: createMemoryLog(),
    sessions: { openTtlMs: 1_000, pausedTtlMs: 1_000, pairedTtlMs: 1_000, maxOpen: 10 },
    seeds: { activeMs: 20_000, maxRegistered: 1_000_000 },
    inbound: { max: 1_000_000 },
    published: { rememberMs: 86_400_000, max: 1_000_000 },
    callbacks: { max: 1_000_000 },
    answers: { rememberMs: 86_400_000, max: 1_000_000 },
  });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

/** The port of a URL. */
export function portOf(url: string): number {
  return Number(new URL(url).port);
}
