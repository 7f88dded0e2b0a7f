// What a socket receives and when: rotation, pause, ack, timeouts. docs/protocol.md, "Sync websocket".

import { expect, test } from 'vitest';
import { createPhone, handshakeUrlOf, openSession, pair, shakeHands } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket, type TestSocket } from '../support/socket.ts';

const phone = createPhone();

const nextUrl = async (socket: TestSocket): Promise<string> => JSON.parse(await socket.next()).qr_url;

test('sends three URLs, 15 s each, then closes; each URL replaces the previous one', async () => {
  const { gateway, clock } = await startTestServices();
  const socket = await openSocket(await openSession(gateway, 'alice'));
  const urls = [await nextUrl(socket)];
  clock.advance(14_999);
  await socket.settled();
  expect(socket.unread).toEqual([]);
  clock.advance(1);
  urls.push(await nextUrl(socket));
  await socket.settled();
  clock.advance(15_000);
  urls.push(await nextUrl(socket));
  await socket.settled();
  expect(new Set(urls).size).toBe(3);
  await expect(shakeHands(urls[0] ?? '', phone)).rejects.toThrow('handshake: 400');
  await expect(shakeHands(urls[1] ?? '', phone)).rejects.toThrow('handshake: 400');
  clock.advance(15_000);
  expect(await socket.closed).toEqual({ code: 1000, reason: 'session change limit reached' });
  await expect(shakeHands(urls[2] ?? '', phone)).rejects.toThrow('handshake: 400');
});

test('the newest URL pairs (the old server failed here)', async () => {
  const { gateway, clock } = await startTestServices();
  const socket = await openSocket(await openSession(gateway, 'alice'));
  await socket.next();
  clock.advance(15_000);
  await pair(await nextUrl(socket), phone, 'correct horse');
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});

test('a pause stops the rotation, and closes with 4408 after 120 s', async () => {
  const { gateway, clock } = await startTestServices();
  const url = await openSession(gateway, 'alice');
  const socket = await openSocket(url);
  await socket.next();
  await shakeHands(handshakeUrlOf(gateway, url), phone);
  expect(await socket.next()).toBe('201- pause');
  for (let seconds = 0; seconds < 119; seconds++) {
    clock.advance(1_000);
    await socket.settled();
  }
  clock.advance(999);
  expect(socket.raw.readyState).toBe(socket.raw.OPEN);
  clock.advance(1);
  expect(await socket.closed).toEqual({ code: 4408, reason: 'paused too long' });
  expect(socket.unread).toEqual([]);
  await expect(pair(handshakeUrlOf(gateway, url), phone, 'correct horse')).rejects.toThrow('400');
});

test('a socket that reconnects to a paused session receives the pause', async () => {
  const { gateway } = await startTestServices();
  const url = await openSession(gateway, 'alice');
  const first = await openSocket(url);
  await first.next();
  await shakeHands(handshakeUrlOf(gateway, url), phone);
  await first.next();
  first.raw.close();
  await first.closed;
  const second = await openSocket(url);
  expect(await second.next()).toBe('201- pause');
  await pair(handshakeUrlOf(gateway, url), phone, 'correct horse');
  expect(await second.next()).toBe('200- ack');
});

test('in testing, init accepts a session that was never opened: init/111/000', async () => {
  const { sync } = await startTestServices();
  const socket = await openSocket(`${sync}/v2/sync/init/111/000`);
  const url = await nextUrl(socket);
  expect(url).toContain('/v2/sync/users/111/sessions/000/handshake');
  await shakeHands(url, phone);
  expect(await socket.next()).toBe('201- pause');
});

test('pause and ack of a gateway in another process reach the socket', async () => {
  const { sync } = await startTestServices();
  const socket = await openSocket(`${sync}/v2/sync/init/111/000`);
  await socket.next();
  const pause = await openSocket(`${sync}/v2/sync/pause/111/000`);
  expect((await pause.closed).code).toBe(1000);
  expect(await socket.next()).toBe('201- pause');
  const ack = await openSocket(`${sync}/v2/sync/ack/111/000`);
  expect((await ack.closed).code).toBe(1000);
  expect(await socket.next()).toBe('200- ack');
  expect((await socket.closed).code).toBe(1000);
});

test('stopping closes sockets with 1001', async () => {
  const { sync, stop } = await startTestServices();
  const socket = await openSocket(`${sync}/v2/sync/init/111/000`);
  await socket.next();
  const stopped = stop();
  expect(await socket.closed).toEqual({ code: 1001, reason: 'server stopping' });
  await stopped;
});

test('gateway and sync in two processes pair a phone without a shared store', async () => {
  const ports = [`api.port=${await freePort()}`, `websocket.port=${await freePort()}`];
  for (const state of ['testing', 'production']) {
    const set = [...ports, `api.state=${state}`];
    const { gateway, stop: stopGateway } = await startTestServices({ names: ['gateway'], set });
    const { sync, clock, stop: stopSync } = await startTestServices({ names: ['sync'], set });
    const socket = await openSocket(await openSession(gateway, 'alice'));
    await socket.next();
    clock.advance(15_000);
    await pair(await nextUrl(socket), phone, 'correct horse');
    expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
    if (state === 'testing') {
      const unopened = await openSocket(`${sync}/v2/sync/init/111/000`);
      await shakeHands(await nextUrl(unopened), phone);
      expect(await unopened.next()).toBe('201- pause');
    }
    await stopSync();
    await stopGateway();
  }
});
