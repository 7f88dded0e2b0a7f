// docs/protocol.md: its programs pair and submit an SMS as printed, and what it says about other libraries is true.

import { constants, publicEncrypt } from 'node:crypto';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { playground } from '../../src/testing/index.ts';
import { runProcess } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs, python } from '../support/needs.ts';
import { createPhone, handshakeUrlOf, openSession, post, shakeHands } from '../support/phone.ts';
import { onEnd, sharedByFile } from '../support/teardown.ts';

const page = readFileSync('docs/protocol.md', 'utf8');
const shared = sharedByFile(async () => {
  const services = await playground();
  onEnd(() => services.close());
  return services;
});

test.for([
  { name: 'phone.mjs', program: process.execPath, required: { command: 'sh' } },
  { name: 'phone.py', program: python, required: { module: 'cryptography' } },
])('$name', async ({ name, program, required }, context) => {
  needs(context, required);
  const { env, stubs } = shared();
  await stubs.publisher.clear();
  const cwd = temporaryFolder();
  symlinkSync(resolve('node_modules'), join(cwd, 'node_modules'));
  const blocks = [...page.matchAll(/^```\w+\n(?:#|\/\/) (\S+)\n(.*?)^```/gms)];
  writeFileSync(join(cwd, name), blocks.find(([, file]) => file === name)?.[2] ?? expect.fail(name));
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
  expect(await runProcess(program, [name], { cwd, env: { ...env, PATH: path } })).toMatchObject({
    code: 0,
    stdout: 'message published successfully\n',
    stderr: '',
  });
  expect(stubs.publisher.messages()).toMatchObject([{ message: 'g:bob@example.org:::Hello:I am well' }]);
});

test('a password that node:crypto encrypts with SHA-256 as both hashes is refused as the page says', async () => {
  const { urls, user } = shared();
  const handshakeUrl = handshakeUrlOf(urls.gateway, await openSession(urls.gateway, user.id));
  const { publicKey, verificationUrl } = await shakeHands(handshakeUrl, createPhone());
  const key = { key: publicKey, oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING };
  const password = publicEncrypt(key, Buffer.from(user.password)).toString('base64');
  const response = await post(verificationUrl, { password });
  expect(response).toMatchObject({ status: 401, text: 'failed to authenticate' });
});
