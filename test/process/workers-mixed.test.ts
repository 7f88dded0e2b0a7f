// What a worker of `swob serve --workers` refuses when files were replaced while the primary process runs.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { onEnd } from '../support/teardown.ts';
import { requestOnce, startWorkers } from '../support/workers.ts';
import { createInstallation } from './installation.ts';

test('a worker of another version does not start, and says that a restart is needed', async () => {
  const child = fork(swobScript, ['serve', '--workers', '2'], {
    cwd: temporaryFolder(),
    // As node:cluster starts its workers.
    env: { PATH: process.env.PATH, NODE_UNIQUE_ID: '1' },
  });
  onEnd(async () => void child.kill('SIGKILL'));
  const messages: unknown[] = [];
  child.on('message', (message) => {
    messages.push(message);
    if (messages.length === 1) child.send({ kind: 'start', settings: { version: '0.0.1' }, levels: {} });
  });
  expect(await once(child, 'exit')).toEqual([75, null]);
  expect(messages).toEqual([
    { kind: 'online' },
    expect.objectContaining({
      kind: 'failed',
      message: expect.stringMatching(
        /^the program files are of swob .+ and the running process is of 0\.0\.1: restart/,
      ),
    }),
  ]);
});

test('a reload after the key pair has changed keeps the workers, and says that a restart is needed', async () => {
  const { folder, data } = await createInstallation();
  const swob = await startWorkers([], { cwd: folder });
  const pids = swob.pids();
  for (const name of ['private.pem', 'public.pem']) rmSync(join(data, 'security', name));
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', 'a worker could not start with the new configuration');
  expect(swob.stderr()).toMatch(/the key pair [^"]*private\.pem has changed: restart the service to use it/);
  expect(swob.pids()).toEqual(pids);
  expect((await requestOnce(`${swob.ready.gateway.url}/seeds`)).status).toBe(200);
});
