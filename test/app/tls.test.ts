// Certificates that are renewed on disk while the services run: which are taken, which are not, what the log says.

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
const taken = 'a new certificate is in use';
const kept = 'the certificate cannot be used; the last good one stays';

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
    /** Time goes on by what a look takes until the check holds. */
    noticed: (check: () => void) =>
      vi.waitFor(
        () => {
          services.clock.advance(200);
          check();
        },
        { timeout: 10_000, interval: 20 },
      ),
  };
}

test('a renewed certificate is shown to new connections; open ones live on; TLS 1.2 at least before and after', async (context) => {
  const world = await startTls(context);
  const urls = [world.gateway, world.sync.replace('wss:', 'https:')];
  for (const url of urls) expect(await peerOf(url)).toBe(world.first.fingerprint);
  const socket = await openSocket(`${world.sync}/v2/sync/init/alice/000`, { rejectUnauthorized: false });
  expect(await socket.next()).toContain(`"qr_url":"https://`);
  const idle = await Promise.all(urls.map((url) => openTls(url)));

  const second = makeCertificate(world.folder, 'second');
  world.renew(second);
  await world.noticed(() => expect(world.lines(taken)).toHaveLength(2));
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

test('what is half-written, missing, mismatched or no certificate is told once and changes nothing', async (context) => {
  const world = await startTls(context);
  const { crt, key, pem } = world.files;
  const second = makeCertificate(world.folder, 'second');
  const newCrt = readFileSync(second.crt, 'utf8');
  const faults: [change: () => void, reason: string][] = [
    [() => world.put(crt, newCrt.slice(0, newCrt.length / 2)), 'a certificate is cut short'],
    [() => world.put(crt, newCrt), 'the key is that of another certificate'],
    [() => rmSync(key), 'ENOENT'],
    [() => world.put(key, ''), 'cannot be used together'],
    [() => world.put(key, 'x'.repeat(1024 * 1024 + 1)), 'it is larger than 1048576 bytes'],
    [
      () => {
        world.put(key, readFileSync(second.key));
        world.put(pem, newCrt.slice(0, -40));
      },
      'a certificate is cut short',
    ],
  ];
  for (const [index, [change, reason]] of faults.entries()) {
    change();
    await world.noticed(() => expect(world.lines(kept)).toHaveLength(2 * (index + 1)));
    expect(world.lines(kept).at(-1)).toMatchObject({
      level: 'warn',
      fields: { file: crt, error: expect.stringContaining(reason) },
    });
    expect(await peerOf(world.gateway)).toBe(world.first.fingerprint);
  }
  expect(world.lines(taken)).toEqual([]);
  // The same fault at the next looks is not told again: they are over when the good pair is taken.
  world.clock.advance(90_000);
  world.put(pem, newCrt);
  await world.noticed(() => expect(world.lines(taken)).toHaveLength(2));
  expect(world.lines(kept)).toHaveLength(2 * faults.length);
  expect(await peerOf(world.gateway)).toBe(second.fingerprint);
});

test('a renewed certificate that has expired already, or is not valid yet, takes no place', async (context) => {
  const world = await startTls(context);
  const short = makeCertificate(world.folder, 'short', 20);
  world.clock.setWall(Date.now() + 30 * dayMs);
  world.renew(short);
  await world.noticed(() => expect(world.lines(kept)).toHaveLength(2));
  expect(world.lines(kept)[0]?.fields).toHaveProperty(
    'error',
    expect.stringContaining('the certificate has expired on '),
  );
  expect(await peerOf(world.gateway)).toBe(world.first.fingerprint);

  world.clock.setWall(Date.now() - 30 * dayMs);
  world.renew(makeCertificate(world.folder, 'early'));
  await world.noticed(() => expect(world.lines(kept)).toHaveLength(4));
  expect(world.lines(kept)[2]?.fields).toHaveProperty('error', expect.stringContaining('is valid from '));
  expect(await peerOf(world.gateway)).toBe(world.first.fingerprint);

  // It is looked at again, and taken once its time has come.
  world.clock.setWall(Date.now());
  world.clock.advance(30_000);
  await vi.waitFor(() => expect(world.lines(taken)).toHaveLength(2));
});

test('a certificate that expires within 14 days is told at the load and once a day', async (context) => {
  const world = await startTls(context, 15);
  const soon = 'the certificate expires soon; renew it';
  expect(world.lines(soon)).toEqual([]);
  world.clock.advance(dayMs + 60_000);
  await vi.waitFor(() => expect(world.lines(soon)).toHaveLength(2));
  expect(world.lines(soon)[0]).toMatchObject({
    level: 'warn',
    fields: { section: expect.stringMatching(/^(api|websocket)_ssl$/), file: world.files.crt },
  });
  // What is told next shows that the looks of almost a day are over.
  world.clock.advance(dayMs - 120_000);
  rmSync(world.files.key);
  await world.noticed(() => expect(world.lines(kept)).toHaveLength(2));
  expect(world.lines(soon)).toHaveLength(2);
  world.clock.advance(180_000);
  await vi.waitFor(() => expect(world.lines(soon)).toHaveLength(4));

  world.renew(makeCertificate(world.folder, 'second'));
  await world.noticed(() => expect(world.lines(taken)).toHaveLength(2));
  expect(world.lines(soon)).toHaveLength(4);
});

test('an expired certificate is better than none at the start, and is told', async (context) => {
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
    message: expect.stringMatching(/^the certificate has expired on .*; renew it$/),
  });
});

test.each([
  [
    'the key of another',
    (other: MadeCertificate, crt: string) => [crt, other.key],
    'the key is that of another certificate',
  ],
  ['a key in place of the certificate', (other: MadeCertificate) => [other.key, other.key], 'no certificate'],
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
