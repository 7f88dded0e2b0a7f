// The real services in this process: real sockets on free ports, a clock that the test moves, and a
// stand-in for the user management API. Stops everything when the test ends.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startServices } from '../../src/app/compose/start.ts';
import type { ServiceName } from '../../src/app/compose/world.ts';
import { createLifecycle } from '../../src/app/lifecycle.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Sample } from '../../src/http/pressure.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { temporaryFolder } from './folders.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';

export interface Services {
  /** e.g. `http://127.0.0.1:40001` */
  readonly gateway: string;
  /** e.g. `ws://127.0.0.1:40002` */
  readonly sync: string;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  readonly folder: string;
  stop(): Promise<void>;
}

export const users = new Map([
  ['alice', 'correct horse'],
  ['bob', 'battery staple'],
]);

export interface ServicesOptions {
  /** `section.key=value` each. */
  readonly set?: readonly string[];
  readonly names?: readonly ServiceName[];
  readonly folder?: string;
  readonly clock?: FakeClock;
  /** How the process is said to be doing, in place of what is measured. */
  readonly sample?: () => Sample;
}

export async function startTestServices(options: ServicesOptions = {}): Promise<Services> {
  const folder = options.folder ?? temporaryFolder();
  const clock = options.clock ?? createFakeClock();
  const log = createMemoryLog();
  const lifecycle = createLifecycle(log);
  onTestFinished(() => lifecycle.stop());
  const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users });
  lifecycle.defer('users stub', () => stub.close());
  const file = join(folder, 'conf.ini');
  await writeFile(file, '');
  const { config } = loadConfig({
    files: [file],
    env: {},
    overrides: [
      'api.port=0',
      'websocket.port=0',
      `store.url=file:${join(folder, 'data')}`,
      `security.public_key_filepath=${join(folder, 'public.pem')}`,
      `security.private_key_filepath=${join(folder, 'private.pem')}`,
      `user_management_api.api_url=${stub.url}`,
      `user_management_api.verification_url=${stub.url}/v2/users/%s/verify`,
      `security.admin_token_filepath=${join(folder, 'admin.token')}`,
      `user_management_api.platforms_url=${stub.url}/v2/users/%s/platforms`,
      // Its timer runs while there is work: on a clock that the test moves it measures nothing.
      ...(options.sample ? [] : ['overload.max_event_loop_delay=0s', 'overload.max_memory=off']),
      ...(options.set ?? []),
    ],
  });
  const names = new Set(options.names ?? (['gateway', 'sync'] as const));
  const endpoints = await startServices(config, names, {
    clock,
    log,
    lifecycle,
    version: 'test',
    ...(options.sample && { sample: options.sample }),
  });
  return {
    gateway: endpoints.gateway?.url ?? '',
    sync: endpoints.sync?.url ?? '',
    clock,
    log,
    folder,
    stop: () => lifecycle.stop(),
  };
}
