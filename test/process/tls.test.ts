// TLS through the real binary: one process, two processes, and peers that never begin the handshake.

import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runSwob, startSwob } from '../support/binary.ts';
import { freePort } from '../support/ports.ts';
import { createInstallation, portOf } from './installation.ts';

/** A self-signed certificate for a name that no client uses, and the settings for it. */
function selfSigned(folder: string): string[] {
  const [crt, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=gw.example.org'],
      ...['-keyout', key, '-out', crt],
    ],
    { stdio: 'ignore' },
  );
  return ['api_ssl', 'websocket_ssl'].flatMap((section) => [
    '--set',
    `${section}.crt=${crt}`,
    '--set',
    `${section}.key=${key}`,
  ]);
}

const pairAlice = (folder: string, args: string[]) =>
  runSwob(['sync', 'pair', 'alice', '--password', '-', ...args], { cwd: folder, input: 'correct horse' });

test('one process serves https and wss, and the commands trust the configured certificate', async () => {
  const { folder } = await createInstallation();
  const tls = selfSigned(folder);
  const swob = await startSwob(['serve', ...tls], { cwd: folder });
  expect(swob.ready.gateway.url).toMatch(/^https:/);
  expect(swob.ready.sync.url).toMatch(/^wss:/);
  const ports = [
    '--set',
    `api.port=${portOf(swob.ready.gateway.url)}`,
    '--set',
    `websocket.port=${portOf(swob.ready.sync.url)}`,
  ];
  expect(await pairAlice(folder, [...tls, ...ports])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/),
  });
});

test('pause and ack reach the socket across two processes', async () => {
  const { folder } = await createInstallation();
  const settings = [
    ...selfSigned(folder),
    '--set',
    `api.port=${await freePort()}`,
    '--set',
    `websocket.port=${await freePort()}`,
  ];
  await startSwob(['serve', 'gateway', ...settings], { cwd: folder });
  await startSwob(['serve', 'sync', ...settings], { cwd: folder });
  const paired = await pairAlice(folder, settings);
  expect(paired).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
  expect(paired.stderr).not.toMatch(/pause|ack/);
});

test('silent peers are disconnected in time and do not delay the stop', async () => {
  const { folder } = await createInstallation();
  const swob = await startSwob(['serve', ...selfSigned(folder), '--set', 'api.request_timeout=500ms'], {
    cwd: folder,
  });
  const silent = [swob.ready.gateway.url, swob.ready.sync.url].map((url) => {
    const socket = connect(portOf(url), '127.0.0.1');
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await Promise.all(silent);

  const late = connect(portOf(swob.ready.gateway.url), '127.0.0.1');
  late.on('error', () => undefined);
  onTestFinished(() => void late.destroy());
  await new Promise((resolve) => late.once('connect', resolve));
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});
