// docs/protocol.md, "Sync websocket input": who may connect, and to what. Frames and limits
// are in files of their own; W7 and W8 are in test/sync/rotation.test.ts.

import { expect, test } from 'vitest';
import { createPhone, get, handshakeUrlOf, openSession, pair, post, shakeHands } from '../support/phone.ts';
import { openSocket, type TestSocket } from '../support/socket.ts';
import { type AttackedServices, expectService, phone, startAttackedServices } from './attacked-services.ts';
import { exchange, upgrade } from './raw.ts';

const unknownId = '0'.repeat(32);
const goodPassword = 'correct horse';

/** The ids of the session in a websocket URL, as path: `alice/0123…`. */
const idsOf = (url: string): string => url.split('/').slice(-2).join('/');
const nextUrl = async (socket: TestSocket): Promise<string> => JSON.parse(await socket.next()).qr_url;

/** Logged warnings with this text. */
const warnings = ({ log }: AttackedServices, message: string) =>
  log.lines.filter((line) => line.level === 'warn' && line.message === message);

test('W1 cross-site websocket hijacking: an upgrade from an unlisted origin gets 403, from a listed one a socket', async () => {
  const services = await startAttackedServices({ set: ['api.origins=https://good.example'] });
  const url = await openSession(services.gateway, 'alice');
  for (const origin of ['https://evil.example', 'null', 'https://good.example.evil.example', '']) {
    await expect(openSocket(url, { headers: { origin } })).rejects.toThrow('unexpected 403');
  }
  const socket = await openSocket(url, { origin: 'https://good.example' });
  expect(await nextUrl(socket)).toBe(handshakeUrlOf(services.gateway, url));
});

test('W2 a bad Upgrade, version, key or path gets 400, 426 or 404', async () => {
  const services = await startAttackedServices();
  const good = '/v2/sync/init/alice/000';
  const status = async (text: string) => (await exchange(services.sync, text)).slice(9, 12);
  expect(await status(upgrade(good, ['Upgrade: h2c']))).toBe('400');
  expect(await status(upgrade(good, ['Sec-WebSocket-Version: 7']))).toBe('400');
  expect(await status(upgrade(good, ['Sec-WebSocket-Version:']))).toBe('400');
  expect(await status(upgrade(good, ['Sec-WebSocket-Key: short']))).toBe('400');
  expect(await status(upgrade(good, ['Sec-WebSocket-Key:']))).toBe('400');
  expect(await status(upgrade(good, ['Upgrade:', 'Connection: close']))).toBe('426');
  for (const path of ['/', '/v2/sync/init/alice', `${good}/more`, '/v2/sync/other/alice/000', '/%zz/..']) {
    expect(await status(upgrade(path))).toBe('404');
  }
  for (const user of ['a%2Fb', '%2e%2e', 'a%00b', 'x'.repeat(200)]) {
    expect(await status(upgrade(`/v2/sync/init/${user}/000`))).toBe('400');
  }
  await expectService(services);
});

test('W3 an unknown session in production is closed 4404, and no state is kept', async () => {
  const services = await startAttackedServices({ set: ['api.state=production'] });
  const url = `${services.sync}/v2/sync/init/alice/${unknownId}`;
  for (const unknown of [
    url,
    `${url}0`,
    `${services.sync}/v2/sync/init/alice/000`,
    `${services.sync}/v2/sync/init/alice/${'A'.repeat(32)}`,
  ]) {
    const socket = await openSocket(unknown);
    expect(await socket.closed).toEqual({ code: 4404, reason: 'unknown session' });
    expect(socket.unread).toEqual([]);
  }
  await expect(shakeHands(handshakeUrlOf(services.gateway, url), phone)).rejects.toThrow('handshake: 400');
  await expectService(services);
});

test('W4 a second socket on the same session is closed 4409, and the first one is kept', async () => {
  const services = await startAttackedServices();
  const url = await openSession(services.gateway, 'alice');
  const first = await openSocket(url);
  const rotatesFrom = await nextUrl(first);
  expect((await (await openSocket(url)).closed).code).toBe(4409);
  services.clock.advance(15_000);
  const shown = await nextUrl(first);
  expect(shown).not.toBe(rotatesFrom);
  // Neither the URL that opened it nor the one that it shows now lets another in.
  const current = `${services.sync}/v2/sync/init/${shown.split('/').slice(-4)[0]}/${shown.split('/').slice(-2)[0]}`;
  expect((await (await openSocket(url)).closed).code).toBe(4409);
  expect((await (await openSocket(current)).closed).code).toBe(4409);
  await pair(shown, phone, goodPassword);
  expect([await first.next(), await first.next()]).toEqual(['201- pause', '200- ack']);
});

test('W5 a pause or ack for an unknown session is closed 4404, and nothing changes', async () => {
  const services = await startAttackedServices();
  const socket = await openSocket(await openSession(services.gateway, 'alice'));
  const shown = await nextUrl(socket);
  const sessionId = shown.split('/').at(-2);
  const others = [`alice/${unknownId}`, `bob/${sessionId}`, 'alice/a%20b', `alice/${sessionId}%20`];
  for (const kind of ['pause', 'ack']) {
    for (const ids of others) {
      const other = await openSocket(`${services.sync}/v2/sync/${kind}/${ids}`);
      expect(await other.closed).toEqual({ code: 4404, reason: 'unknown session' });
    }
  }
  await socket.settled();
  expect(socket.unread).toEqual([]);
  await pair(shown, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});

test('W6 an ack before the pause and a second ack have no effect on the phone, and are logged once a socket', async () => {
  const services = await startAttackedServices();
  const url = await openSession(services.gateway, 'alice');
  const socket = await openSocket(url);
  const shown = await nextUrl(socket);
  for (let count = 0; count < 5; count++) {
    const early = await openSocket(`${services.sync}/v2/sync/ack/${idsOf(url)}`);
    expect((await early.closed).code).toBe(1000);
    expect(warnings(services, 'ack without a pause ignored')).toHaveLength(1);
  }
  await socket.settled();
  expect([socket.unread, services.storedRecords()]).toEqual([[], {}]);
  await pair(shown, phone, goodPassword);
  const kept = services.storedRecords();
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
  await socket.closed;
  const late = await openSocket(`${services.sync}/v2/sync/ack/${idsOf(url)}`);
  expect((await late.closed).code).toBe(4404);
  expect(services.storedRecords()).toEqual(kept);
});

test('W6 an ack that is forged after the pause gives the phone nothing', async () => {
  const services = await startAttackedServices();
  const url = await openSession(services.gateway, 'alice');
  const socket = await openSocket(url);
  await shakeHands(await nextUrl(socket), phone);
  await (await openSocket(`${services.sync}/v2/sync/ack/${idsOf(url)}`)).closed;
  expect(services.storedRecords()).toEqual({});
  expect(services.passwordChecks()).toBe(0);
  const password = { password: 'AAAA' };
  expect(
    (await post(`${services.gateway}/v2/sync/users/${idsOf(url).replace('/', '/sessions/')}`, password))
      .status,
  ).toBe(401);
});

test('W10 a page that comes late, but within two minutes, gets its whole time', async () => {
  const services = await startAttackedServices({ set: ['api.state=production'] });
  const url = await openSession(services.gateway, 'alice');
  services.clock.advance(119_000);
  const socket = await openSocket(url);
  const shown = await nextUrl(socket);
  services.clock.advance(14_999);
  await socket.settled();
  await pair(shown, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);

  const missed = await openSession(services.gateway, 'alice');
  services.clock.advance(120_000);
  expect((await (await openSocket(missed)).closed).code).toBe(4404);
});

test('W10 the change limit and the paused time end a socket, each in its way, and its session', async () => {
  const services = await startAttackedServices({
    set: ['sync.session_change_limit=1', 'api.state=production'],
  });
  const ends = [
    { wait: 15_000, close: { code: 1000, reason: 'session change limit reached' }, paused: false },
    { wait: 120_000, close: { code: 4408, reason: 'paused too long' }, paused: true },
  ];
  for (const { wait, close, paused } of ends) {
    const socket = await openSocket(await openSession(services.gateway, 'alice'));
    const url = await nextUrl(socket);
    if (paused) {
      await shakeHands(url, phone);
      await socket.next();
    }
    for (let waited = 0; waited < wait; waited += 15_000) {
      await socket.settled();
      services.clock.advance(15_000);
    }
    expect(await socket.closed).toEqual(close);
    expect((await get(url.replace('/handshake', ''), { method: 'PUT' })).status).toBe(404);
    await expect(shakeHands(url, phone)).rejects.toThrow('handshake: 400');
  }
  await expectService(services);
});

test('W20 a second phone that posts its key to the same session gets 409, and the first one stays', async () => {
  const services = await startAttackedServices();
  const socket = await openSocket(await openSession(services.gateway, 'alice'));
  const url = await nextUrl(socket);
  await shakeHands(url, phone);
  const second = await post(url, { public_key: createPhone().publicKeyPem });
  expect(second).toMatchObject({ status: 409, text: 'another phone has taken this session' });
  await pair(url, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
  expect(
    Object.values(services.storedRecords()).map((record) => JSON.parse(record).record.publicKey),
  ).toEqual([phone.publicKeyPem]);
});

test('W22 forged Host and X-Forwarded headers are in no URL', async () => {
  const services = await startAttackedServices({ set: ['api.trusted_proxies=127.0.0.1'] });
  const forged = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.example;proto=https',
  };
  const lines = Object.entries(forged).map(([name, value]) => `${name}: ${value}\r\n`);
  const response = await exchange(
    services.gateway,
    `GET /v2/sync/users/alice HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`,
  );
  const url = response.split('\r\n\r\n')[1] ?? '';
  expect(url).toMatch(new RegExp(`^${services.sync}/v2/sync/init/alice/[0-9a-f]{32}$`));
  const socket = await openSocket(url, { headers: forged });
  const shown = JSON.parse(await socket.next());
  const expected = handshakeUrlOf(services.gateway, url);
  expect(shown).toEqual({ qr_url: expected, mobile_url: expected.replace('http:', 'app:') });
  const handshake = await post(shown.qr_url, { public_key: phone.publicKeyPem }, forged);
  expect(JSON.parse(handshake.text).verification_url).toBe(
    new URL(expected).pathname.replace('/handshake', ''),
  );
});
