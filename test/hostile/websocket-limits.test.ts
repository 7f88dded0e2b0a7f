// docs/protocol.md, "Sync websocket input": guesses and floods, W9 and W17.

import { expect, test } from 'vitest';
import { get, handshakeUrlOf, openSession, pair, post, shakeHands } from '../support/phone.ts';
import { openSocket, type TestSocket } from '../support/socket.ts';
import { phone, startAttackedServices } from './attacked-services.ts';
import { openRawPeer } from './raw.ts';

const unknownId = '0'.repeat(32);
const goodPassword = 'correct horse';
const closeOpcode = 8;
const nextUrl = async (socket: TestSocket): Promise<string> => JSON.parse(await socket.next()).qr_url;

test('W9 session ids carry at least 122 random bits', async () => {
  const { gateway } = await startAttackedServices({ set: ['limits.sessions=off'] });
  const ids: bigint[] = [];
  for (let count = 0; count < 100; count++) {
    ids.push(BigInt(`0x${(await openSession(gateway, 'alice')).split('/').at(-1)}`));
  }
  expect(new Set(ids).size).toBe(100);
  const varying = Array.from({ length: 128 }, (_, bit) => bit).filter(
    (bit) => new Set(ids.map((id) => (id >> BigInt(bit)) & 1n)).size === 2,
  );
  expect(varying.length).toBeGreaterThanOrEqual(122);
});

test('W9 guessing session ids is rate-limited, and the right session still works', async () => {
  const services = await startAttackedServices({ set: ['limits.guesses=5/1m', 'api.state=production'] });
  const url = handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice'));
  const at = (guess: number) => url.replace(/[0-9a-f]{32}/, guess.toString(16).padStart(32, '0'));
  const guesses = [
    (guess: number) => post(at(guess), { public_key: phone.publicKeyPem }),
    (guess: number) => post(at(guess).replace('/handshake', ''), { password: 'AAAA' }),
    (guess: number) => get(at(guess).replace('/handshake', ''), { method: 'PUT' }),
  ];
  const statuses: number[] = [];
  for (let guess = 0; guess < 15; guess++) {
    const response = await guesses[guess % 3]?.(guess);
    statuses.push(response?.status ?? 0);
    if (response?.status === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(statuses.slice(0, 5)).toEqual([400, 400, 404, 400, 400]);
  expect(new Set(statuses.slice(5))).toEqual(new Set([429]));
  expect(services.passwordChecks()).toBe(0);
  await pair(url, phone, goodPassword);
});

test('W9 guessing over the websocket is rate-limited', async () => {
  const services = await startAttackedServices({ set: ['limits.sessions=5/1m', 'api.state=production'] });
  const url = await openSession(services.gateway, 'alice');
  for (const kind of ['init', 'pause', 'ack', 'init', 'pause']) {
    const guess = await openSocket(`${services.sync}/v2/sync/${kind}/alice/${unknownId}`);
    expect((await guess.closed).code).toBe(4404);
  }
  for (const kind of ['init', 'pause', 'ack']) {
    await expect(openSocket(`${services.sync}/v2/sync/${kind}/alice/${unknownId}`)).rejects.toThrow(
      'unexpected 429',
    );
  }
  services.clock.advance(60_000 - 1);
  await pair(handshakeUrlOf(services.gateway, url), phone, goodPassword);
});

test('W9 pause and ack of open sessions from a gateway in another process are not counted as guesses', async () => {
  const services = await startAttackedServices({ set: ['limits.sessions=1/1m'] });
  const socket = await openSocket(`${services.sync}/v2/sync/init/alice/000`);
  await socket.next();
  for (const kind of ['pause', 'pause', 'pause', 'ack']) {
    const event = await openSocket(`${services.sync}/v2/sync/${kind}/alice/000`);
    expect((await event.closed).code).toBe(1000);
  }
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
  await socket.closed;
  await expect(openSocket(`${services.sync}/v2/sync/ack/alice/000`)).rejects.toThrow('unexpected 429');
});

test('W17 a flood of new sessions from one address gets 429, and live pairings survive it', async () => {
  const services = await startAttackedServices({
    set: ['limits.sessions=20/1m', 'sync.max_sessions=5', 'api.trusted_proxies=127.0.0.1'],
  });
  const open = (user: string, from: string) =>
    get(`${services.gateway}/v2/sync/users/${user}`, { headers: { 'x-forwarded-for': from } });
  const { text: url } = await open('alice', '192.0.2.1');
  const socket = await openSocket(url);
  const shown = await nextUrl(socket);
  await shakeHands(shown, phone);
  expect(await socket.next()).toBe('201- pause');

  const statuses: number[] = [];
  for (let count = 0; count < 60; count++) statuses.push((await open(`user${count}`, '192.0.2.66')).status);
  expect(statuses).toEqual([...Array<number>(20).fill(200), ...Array<number>(40).fill(429)]);
  // From many addresses the limit of open sessions holds: the oldest are evicted, paused ones never.
  for (let count = 0; count < 60; count++) {
    expect((await open(`user${count}`, `198.51.100.${count}`)).status).toBe(200);
  }
  await pair(shown, phone, goodPassword);
  expect(await socket.next()).toBe('200- ack');
});

test('W17 a flood of sockets from one address gets 429, and above the limit of all sockets 503', async () => {
  const services = await startAttackedServices({ set: ['limits.sessions=6/1m', 'sync.max_connections=3'] });
  const init = (id: number) => `${services.sync}/v2/sync/init/alice/${id}`;
  const held = [await openSocket(init(1)), await openSocket(init(2)), await openSocket(init(3))];
  const shown = await Promise.all(held.map(nextUrl));
  await expect(openSocket(init(4))).rejects.toThrow('unexpected 503');
  held[2]?.raw.close();
  await held[2]?.closed;
  for (let count = 0; count < 3; count++) {
    const socket = await openSocket(init(5 + count));
    socket.raw.close();
    await socket.closed;
  }
  await expect(openSocket(init(9))).rejects.toThrow('unexpected 429');
  await pair(shown[0] ?? '', phone, goodPassword);
  expect([await held[0]?.next(), await held[0]?.next()]).toEqual(['201- pause', '200- ack']);
});

test('W17 a session that a socket shows is not evicted by a flood of new ones', async () => {
  const { gateway } = await startAttackedServices({ set: ['limits.sessions=off', 'sync.max_sessions=3'] });
  const socket = await openSocket(await openSession(gateway, 'alice'));
  const { qr_url } = JSON.parse(await socket.next());
  for (let count = 0; count < 10; count++) await openSession(gateway, 'mallory');
  await pair(qr_url, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});

test('W17 a flood of replaced sessions keeps no more than the maximum, and evicts none that a socket shows', async () => {
  const { gateway } = await startAttackedServices({
    set: ['limits.sessions=off', 'sync.max_sessions=3', 'api.state=production'],
  });
  const socket = await openSocket(await openSession(gateway, 'alice'));
  const { qr_url } = JSON.parse(await socket.next());
  const replace = (id: string) => get(`${gateway}/v2/sync/users/mallory/sessions/${id}`, { method: 'PUT' });
  const replaced: string[] = [];
  for (let count = 0; count < 10; count++) {
    const id = (await openSession(gateway, 'mallory')).split('/').at(-1) ?? '';
    replaced.push((await replace(id)).text);
  }
  const statuses: number[] = [];
  for (const id of replaced) statuses.push((await replace(id)).status);
  expect(statuses).toEqual([...Array<number>(7).fill(404), ...Array<number>(3).fill(200)]);
  await pair(qr_url, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});

test('W17 senders of pause and ack that do not close take no room of other sockets, nor of requests', async () => {
  const services = await startAttackedServices({ maxConnections: 20, set: ['limits.sessions=8/1m'] });
  const url = await openSession(services.gateway, 'alice');
  const socket = await openSocket(url);
  const shown = await nextUrl(socket);
  for (let count = 0; count < 25; count++) {
    const sender = await openRawPeer(url.replace('/init/', '/pause/'));
    await sender.frame(closeOpcode);
  }
  const other = await openSocket(await openSession(services.gateway, 'bob'));
  expect(await nextUrl(other)).toContain('/users/bob/');
  await pair(shown, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});
