// The playground as `swob/testing` offers it. Used by index.ts.

import { readFile } from 'node:fs/promises';
import { systemClock } from '../app/system-clock.ts';
import { createPlayground } from '../cli/playground/create.ts';
import { playgroundEnvironment } from '../cli/playground/environment.ts';
import { readOutgoingSecrets } from '../cli/playground/outgoing.ts';
import { playgroundUser } from '../cli/playground/playground.ts';
import type * as declared from './declarations.d.ts';
import { disposable, verifiable } from './stubs.ts';

export const playground: typeof declared.playground = async (options = {}) => {
  const { users = [], config = {}, broker, seedData = false, onLog, logLevel = 'info' } = options;
  const stopped = new AbortController();
  const { playground, lifecycle } = await createPlayground({
    users,
    broker,
    setOptions: Object.entries(config).map(([key, value]) => `${key}=${value}`),
    seedData,
    clock: systemClock,
    signal: stopped.signal,
    log: {
      level: onLog ? logLevel : 'error',
      stderr: { write: (line) => onLog?.(line.trimEnd()) },
      pretty: false,
      colours: false,
    },
  });
  const close = (): Promise<void> => {
    stopped.abort();
    return lifecycle.stop();
  };
  try {
    const { urls, folder, config: configFile, jwtPrivateKey, adminTokenFile, session, outgoing } = playground;
    const { users, developer, publisher, pcrf, nas, phone } = playground.stubs;
    return disposable({
      urls,
      user: playgroundUser,
      adminToken: (await readFile(adminTokenFile, 'utf8')).trim(),
      jwtPrivateKeyFile: jwtPrivateKey,
      folder,
      configFile,
      session,
      nasSecretFile: playground.nas.secretFile,
      env: await playgroundEnvironment(playground, systemClock.now()),
      stubs: {
        users: verifiable(users),
        developer: verifiable(developer, '/__requests'),
        publisher: verifiable(publisher, '/__messages'),
        pcrf: verifiable(pcrf, '/__requests'),
        nas: verifiable(nas),
        ...(phone && { phone: verifiable(phone) }),
      },
      ...(outgoing && { developer: { ...outgoing, ...(await readOutgoingSecrets(outgoing)) } }),
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
};
