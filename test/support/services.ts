// The real services in this process: real sockets on free ports, a fake clock, and a stub of the user management API.
// Stops everything when the test ends.

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppContext, ServiceName } from '../../src/app/compose/context.ts';
import { startServices } from '../../src/app/compose/start.ts';
import { createLifecycle } from '../../src/app/lifecycle.ts';
import type { LogTail } from '../../src/app/logging/log-tail.ts';
import { displaySetting } from '../../src/config/display-value.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadSample } from '../../src/http/overload-guard.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import { absentSystemSettings } from './absent-systems.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { temporaryFolder } from './folders.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';
import { writeServerKeys } from './server-keys.ts';
import { onEnd } from './teardown.ts';

export interface Services {
  /** e.g. `http://127.0.0.1:40001` */
  readonly gateway: string;
  /** e.g. `ws://127.0.0.1:40002` */
  readonly sync: string;
  /** Empty unless `names` has it. */
  readonly disconnect: string;
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
  /** Overrides the measured state of the process. */
  readonly sample?: () => LoadSample;
  /** The log of the console; none unless given. */
  readonly logTail?: LogTail;
  readonly logLevels?: AppContext['logLevels'];
  /** Maximum of client connections in total. */
  readonly maxConnections?: number;
}

export async function startTestServices(options: ServicesOptions = {}): Promise<Services> {
  const folder = options.folder ?? temporaryFolder();
  const clock = options.clock ?? createFakeClock();
  const log = createMemoryLog();
  const lifecycle = createLifecycle(log, clock);
  onEnd(() => lifecycle.stop());
  const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users });
  lifecycle.defer('users stub', () => stub.close());
  // A reused folder already has keys.
  if (!existsSync(join(folder, 'private.pem'))) writeServerKeys(folder);
  const file = join(folder, 'conf.ini');
  await writeFile(file, '');
  const { config, settings } = loadConfig({
    files: [file],
    env: {},
    setOptions: [
      ...(await absentSystemSettings()),
      'api.port=0',
      'websocket.port=0',
      // In real time: on a busy machine, connections that a browser opened ahead got 408 for the request that came at last.
      'api.request_timeout=5m',
      'disconnect.host=127.0.0.1',
      'disconnect.port=0',
      `store.url=file:${join(folder, 'data')}`,
      `security.public_key_filepath=${join(folder, 'public.pem')}`,
      `security.private_key_filepath=${join(folder, 'private.pem')}`,
      `user_management_api.api_url=${stub.url}`,
      `user_management_api.verification_url=${stub.url}/v2/users/%s/verify`,
      `security.admin_token_filepath=${join(folder, 'admin.token')}`,
      `user_management_api.platforms_url=${stub.url}/v2/users/%s/platforms`,
      // On a fake clock its timer measures nothing.
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
    settings: settings.map(displaySetting),
    ...(options.logTail && { logTail: options.logTail }),
    ...(options.logLevels && { logLevels: options.logLevels }),
    ...(options.sample && { sample: options.sample }),
    ...(options.maxConnections !== undefined && { maxConnections: options.maxConnections }),
  });
  return {
    gateway: endpoints.gateway?.url ?? '',
    sync: endpoints.sync?.url ?? '',
    disconnect: endpoints.disconnect?.url ?? '',
    clock,
    log,
    folder,
    stop: () => lifecycle.stop(),
  };
}
