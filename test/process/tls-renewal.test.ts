// Certificates renewed on disk while the real binary runs: all three services, and two halves that trust each other.

import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runSwob, startSwob } from '../support/binary.ts';
import { type MadeCertificate, makeCertificate, peerOf } from '../support/certificates.ts';
import { needs } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { makeKeys } from './disconnect-service.ts';
import { createInstallation } from './installation.ts';

const sections = ['api_ssl', 'websocket_ssl', 'disconnect_ssl'];

/** `live.crt` and `live.key` in the folder, replaced by renaming. */
function install(folder: string, { crt, key }: MadeCertificate): void {
  for (const [file, end] of [
    [key, 'key'],
    [crt, 'crt'],
  ] as const) {
    copyFileSync(file, join(folder, `${end}.new`));
    renameSync(join(folder, `${end}.new`), join(folder, `live.${end}`));
  }
}

const settings = (folder: string): string[] =>
  sections
    .flatMap((section) => ['crt', 'key'].map((end) => `${section}.${end}=${join(folder, `live.${end}`)}`))
    .flatMap((setting) => ['--set', setting]);

const httpsOf = (url: string): string => url.replace('wss:', 'https:');

test('gateway, sync and disconnect serve a renewed certificate without a restart, and require TLS 1.2', async (context) => {
  needs(context, { command: 'openssl' });
  const { folder } = await createInstallation();
  const { publicFile } = await makeKeys();
  const [first, second] = [makeCertificate(folder, 'first'), makeCertificate(folder, 'second')];
  install(folder, first);
  const more = ['disconnect.host=127.0.0.1', 'disconnect.port=0', `validation.public_key=${publicFile}`];
  const swob = await startSwob(['serve', ...settings(folder), ...more.flatMap((set) => ['--set', set])], {
    cwd: folder,
  });
  const { gateway, sync, disconnect } = swob.ready;
  const urls = [gateway.url, sync.url, disconnect.url];
  expect(urls.map((url) => url.split(':', 1)[0])).toEqual(['https', 'wss', 'https']);
  for (const url of urls) expect(await peerOf(httpsOf(url))).toBe(first.fingerprint);

  install(folder, second);
  for (const url of urls) {
    await vi.waitFor(async () => expect(await peerOf(httpsOf(url))).toBe(second.fingerprint), {
      timeout: 10_000,
      interval: 50,
    });
    await expect(peerOf(httpsOf(url), 'TLSv1.1')).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
  }
});

test('two processes trust the renewed certificate of the other half', async (context) => {
  needs(context, { command: 'openssl' });
  const { folder } = await createInstallation();
  install(folder, makeCertificate(folder, 'first'));
  const ports = [await freePort(), await freePort()];
  const args = [
    ...settings(folder),
    ...['--set', `api.port=${ports[0]}`, '--set', `websocket.port=${ports[1]}`],
  ];
  const gateway = await startSwob(['serve', 'gateway', ...args], { cwd: folder });
  const sync = await startSwob(['serve', 'sync', ...args], { cwd: folder });
  const pair = () =>
    runSwob(['sync', 'pair', 'alice', '--password', '-', ...args], { cwd: folder, input: 'correct horse' });
  expect(await pair()).toMatchObject({ code: 0 });

  install(folder, makeCertificate(folder, 'second'));
  await Promise.all(
    [gateway, sync].map(({ waitForOutput }) => waitForOutput('stderr', 'a new certificate is in use')),
  );
  const paired = await pair();
  expect(paired).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
  expect(`${gateway.stderr()}${sync.stderr()}`).not.toMatch(/"level":(40|50).*(pause|ack|gateway)/);
});
