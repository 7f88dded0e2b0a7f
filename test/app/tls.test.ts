// Certificates that are renewed on disk while the services run: which are used, which are not, and what is logged.

import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { type MadeCertificate, makeCertificate, openTls, peerOf } from '../support/certificates.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

const dayMs = 86_400_000;
const renewed = 'a new certificate is in use';
const kept = 'the certificate cannot be used; the last good one stays in use';

/** Gateway and sync on `live.crt`, `live.key` and the chain `live.pem`, with the clock at today. */
async function startTls(context: TestContext, days = 90) {
  needs(context, { command: 'openssl' });
  const folder = temporaryFolder();
  const [crt, key, pem] = ['crt', 'key', 'pem'].map((end) => join(folder, `live.${end}`)) as [
    string,
    string,
    string,
  ];
  const first = makeCertificate(folder, 'first', days);
  copyFileSync(first.crt, crt);
  copyFileSync(first.key, key);
  copyFileSync(first.crt, pem);
  const sections = ['api_ssl', 'websocket_ssl'];
  const set = sections.flatMap((section) => [
    `${section}.crt=${crt}`,
    `${section}.key=${key}`,
    `${section}.pem=${pem}`,
  ]);
  const services = await startTestServices({
    folder,
    clock: createFakeClock(Date.now()),
    set,
  });
  const put = (file: string, text: string | Buffer): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const warnings = (message: string) => services.log.lines.filter((line) => line.message.includes(message));
  return {
    ...services,
    files: { crt, key, pem },
    first,
    put,
    lines: warnings,
    renew: ({ crt: newCrt, key: newKey }: MadeCertificate) => {
      put(pem, readFileSync(newCrt));
      put(crt, readFileSync(newCrt));
      put(key, readFileSync(newKey));
    },
    /** Advances the time by poll intervals until the check holds. */
    pollUntil: (check: () => void) =>
      vi.waitFor(
        () => {
          services.clock.advance(2_000);
          check();
        },
        { timeout: 10_000, interval: 20 },
      ),
  };
}

test('new connections get the renewed certificate, open ones stay; TLS 1.2 is the minimum before and after', async (context) => {
  const setup = await startTls(context);
  const urls = [setup.gateway, setup.sync.replace('wss:', 'https:')];
  for (const url of urls) expect(await peerOf(url)).toBe(setup.first.fingerprint);
  const socket = await openSocket(`${setup.sync}/v2/sync/init/alice/000`, { rejectUnauthorized: false });
  expect(await socket.next()).toContain(`"qr_url":"https://`);
  const idle = await Promise.all(urls.map((url) => openTls(url)));

  const second = makeCertificate(setup.folder, 'second');
  setup.renew(second);
  await setup.pollUntil(() => expect(setup.lines(renewed)).toHaveLength(2));
  for (const url of urls) {
    expect(await peerOf(url)).toBe(second.fingerprint);
    expect(await peerOf(url, 'TLSv1.2')).toBe(second.fingerprint);
    await expect(peerOf(url, 'TLSv1.1')).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
  }
  await socket.settled();
  expect(socket.raw.readyState).toBe(socket.raw.OPEN);
  for (const connection of idle) expect(connection.readyState).toBe('open');
});

test('a half-written, missing, mismatched or invalid file is logged once and changes nothing', async (context) => {
  const setup = await startTls(context);
  const { crt, key, pem } = setup.files;
  const second = makeCertificate(setup.folder, 'second');
  const newCrt = readFileSync(second.crt, 'utf8');
  const faults: [change: () => void, reason: string][] = [
    [() => setup.put(crt, newCrt.slice(0, newCrt.length / 2)), 'a certificate is truncated'],
    [() => setup.put(crt, newCrt), 'the key belongs to another certificate'],
    [() => rmSync(key), 'ENOENT'],
    [() => setup.put(key, ''), 'cannot be used together'],
    [() => setup.put(key, 'x'.repeat(1024 * 1024 + 1)), 'it is larger than 1048576 bytes'],
    [
      () => {
        setup.put(key, readFileSync(second.key));
        setup.put(pem, newCrt.slice(0, -40));
      },
      'a certificate is truncated',
    ],
  ];
  for (const [index, [change, reason]] of faults.entries()) {
    change();
    await setup.pollUntil(() => expect(setup.lines(kept)).toHaveLength(2 * (index + 1)));
    expect(setup.lines(kept).at(-1)).toMatchObject({
      level: 'warn',
      fields: { file: crt, error: expect.stringContaining(reason) },
    });
    expect(await peerOf(setup.gateway)).toBe(setup.first.fingerprint);
  }
  expect(setup.lines(renewed)).toEqual([]);
  // The next polls do not log the same error again: they have ended when the valid pair is used.
  setup.clock.advance(90_000);
  setup.put(pem, newCrt);
  await setup.pollUntil(() => expect(setup.lines(renewed)).toHaveLength(2));
  expect(setup.lines(kept)).toHaveLength(2 * faults.length);
  expect(await peerOf(setup.gateway)).toBe(second.fingerprint);
});

test('a renewed certificate that has expired, or is not valid yet, does not replace the current one', async (context) => {
  const setup = await startTls(context);
  const short = makeCertificate(setup.folder, 'short', 20);
  setup.clock.setWall(Date.now() + 30 * dayMs);
  setup.renew(short);
  await setup.pollUntil(() => expect(setup.lines(kept)).toHaveLength(2));
  expect(setup.lines(kept)[0]?.fields).toHaveProperty(
    'error',
    expect.stringContaining('the certificate expired on '),
  );
  expect(await peerOf(setup.gateway)).toBe(setup.first.fingerprint);

  setup.clock.setWall(Date.now() - 30 * dayMs);
  setup.renew(makeCertificate(setup.folder, 'early'));
  await setup.pollUntil(() => expect(setup.lines(kept)).toHaveLength(4));
  expect(setup.lines(kept)[2]?.fields).toHaveProperty(
    'error',
    expect.stringContaining('is not valid before '),
  );
  expect(await peerOf(setup.gateway)).toBe(setup.first.fingerprint);

  // The certificate is polled again, and used when it has become valid.
  setup.clock.setWall(Date.now());
  await setup.pollUntil(() => expect(setup.lines(renewed)).toHaveLength(2));
});

test('a certificate that expires within 14 days is logged when loaded and once a day', async (context) => {
  const setup = await startTls(context, 15);
  const soon = 'the certificate expires soon; renew it';
  expect(setup.lines(soon)).toEqual([]);
  setup.clock.leap(dayMs);
  setup.clock.advance(60_000);
  await setup.pollUntil(() => expect(setup.lines(soon)).toHaveLength(2));
  expect(setup.lines(soon)[0]).toMatchObject({
    level: 'warn',
    fields: { section: expect.stringMatching(/^(api|websocket)_ssl$/), file: setup.files.crt },
  });
  // The next log line shows that the polls of almost a day have ended.
  setup.clock.leap(dayMs - 300_000);
  setup.clock.advance(180_000);
  rmSync(setup.files.key);
  await setup.pollUntil(() => expect(setup.lines(kept)).toHaveLength(2));
  expect(setup.lines(soon)).toHaveLength(2);
  setup.clock.advance(180_000);
  await setup.pollUntil(() => expect(setup.lines(soon)).toHaveLength(4));

  setup.renew(makeCertificate(setup.folder, 'second'));
  await setup.pollUntil(() => expect(setup.lines(renewed)).toHaveLength(2));
  expect(setup.lines(soon)).toHaveLength(4);
});

test('an expired certificate is accepted at the start, with a warning', async (context) => {
  needs(context, { command: 'openssl' });
  const folder = temporaryFolder();
  const { crt, key, fingerprint } = makeCertificate(folder, 'old', 1);
  const { gateway, log } = await startTestServices({
    folder,
    clock: createFakeClock(Date.now() + 2 * dayMs),
    set: [`api_ssl.crt=${crt}`, `api_ssl.key=${key}`],
  });
  expect(await peerOf(gateway)).toBe(fingerprint);
  expect(log.lines).toContainEqual({
    level: 'warn',
    fields: { section: 'api_ssl', file: crt, expires: expect.any(String) },
    message: expect.stringMatching(/^the certificate expired on .*; renew it$/),
  });
});

test.each([
  [
    'the key of another',
    (other: MadeCertificate, crt: string) => [crt, other.key],
    'the key belongs to another certificate',
  ],
  [
    'a key in place of the certificate',
    (other: MadeCertificate) => [other.key, other.key],
    'no PEM certificate',
  ],
  ['a file that is not there', (_: MadeCertificate, crt: string) => [crt, '/nowhere/tls.key'], 'ENOENT'],
])('does not start with %s, and says which files', async (_name, filesOf, reason) => {
  const folder = temporaryFolder();
  const [mine, other] = [makeCertificate(folder, 'mine'), makeCertificate(folder, 'other')];
  const [crt, key] = filesOf(other, mine.crt);
  const error = await startTestServices({
    folder,
    set: [`websocket_ssl.crt=${crt}`, `websocket_ssl.key=${key}`],
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CONFIG' });
  expect(String(error)).toContain('[websocket_ssl]');
  expect(String(error)).toContain(key);
  expect(String(error)).toContain(reason);
});
