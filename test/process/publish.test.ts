// SMS encrypted by openssl, sent through the real binary to a Publisher written in Python.

import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { runProcess, startProcess, startSwob } from '../support/binary.ts';
import { needs, python } from '../support/needs.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { createInstallation, portOf } from './installation.ts';

const msisdn = '+237650393369';
const peers = join(import.meta.dirname, 'peers');

const messages = [
  'g:to@example.org:cc@example.org:bcc@example.org:Subject:Body',
  't:@someone:Привет, мир! Ещё одна строка\nи ещё',
  'T:+14155550123:你好，世界 — مرحبا بالعالم — שלום — हिन्दी',
  'g:a@b.c:::📨👩‍👩‍👧‍👦🇨🇲:"quotes" \\backslash\\ {json} <html> %s $HOME `x`\ttab',
  `g:a@b.c:::long:${'é€😀 '.repeat(300)}`,
];

test('messages in many scripts arrive at an independent Publisher byte for byte', async (context) => {
  needs(context, { command: 'openssl' }, { command: 'base64' }, { command: python });
  const { folder } = await createInstallation();
  const publisher = startProcess(python, [join(peers, 'publisher.py')], { cwd: folder });
  await publisher.waitForOutput('stdout', 'port ');
  const port = /port (\d+)/.exec(publisher.stdout())?.[1];
  const developer = await startDeveloperStub({
    host: '127.0.0.1',
    port: 0,
    numbers: new Map([[msisdn, 'alice']]),
  });
  onTestFinished(() => developer.close());
  const set = [
    `publisher.port=${port}`,
    'publisher.endpoint=/v1/publish',
    `backend_publisher.port=${portOf(developer.url)}`,
  ];
  const swob = await startSwob(['serve', 'gateway', ...set.flatMap((each) => ['--set', each])], {
    cwd: folder,
  });
  const { url } = swob.ready.gateway;
  const key = await pair(
    handshakeUrlOf(url, await openSession(url, 'alice')),
    createPhone(),
    'correct horse',
  );

  for (const message of messages) {
    const { stdout: text } = await runProcess('sh', [join(peers, 'encrypt.sh'), key, message], {
      cwd: folder,
    });
    const response = await post(`${url}/sms/platform/gateway-client`, { text, MSISDN: msisdn });
    expect([response.status, response.text]).toEqual([200, 'message published successfully']);
  }
  const lines = () => publisher.stdout().trim().split('\n').slice(1);
  await vi.waitFor(() => expect(lines()).toHaveLength(messages.length));
  const arrived = lines();
  expect(arrived.map((line) => line.split(' ')[2])).toEqual(
    messages.map((message) => Buffer.from(JSON.stringify({ MSISDN: msisdn, message })).toString('hex')),
  );
  for (const line of arrived) expect(line).toMatch(/^\/v1\/publish application\/json /);
});
