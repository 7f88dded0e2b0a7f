// A phone that uses only curl, openssl and jq, as a shell script would, and none of our code.

import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createInstallation, inspectStore } from './installation.ts';

const script = resolve('test/process/handshake.sh');
const programs = ['bash', 'curl', 'jq', 'openssl'].map((command) => ({ command }));

test('the key that openssl decrypts is the one in the store', async (context) => {
  needs(context, ...programs);
  const { folder, data } = await createInstallation();
  const swob = await startSwob(['serve'], { cwd: folder });
  await writeFile(join(folder, 'password'), 'correct horse');
  const paired = await runProcess(script, [swob.ready.gateway.url, 'alice', 'password'], { cwd: folder });
  expect(paired).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
  swob.kill('SIGTERM');
  await swob.exit;
  const user = await inspectStore(data, async (store) => store.users.get('alice'));
  expect(user?.sharedKey).toBe(paired.stdout.trim());
});

test('a wrong password does not pair', async (context) => {
  needs(context, ...programs);
  const { folder, data } = await createInstallation();
  const swob = await startSwob(['serve'], { cwd: folder });
  await writeFile(join(folder, 'password'), 'incorrect horse');
  const { code, stderr } = await runProcess(script, [swob.ready.gateway.url, 'alice', 'password'], {
    cwd: folder,
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain('401');
  swob.kill('SIGTERM');
  await swob.exit;
  expect(await inspectStore(data, async (store) => store.users.get('alice'))).toBeUndefined();
});
