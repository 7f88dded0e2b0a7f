// Pairing through the real services, in the order of docs/protocol.md.

import { expect, test } from 'vitest';
import {
  createPhone,
  encryptFor,
  get,
  handshakeUrlOf,
  openSession,
  pair,
  post,
  shakeHands,
} from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

const phone = createPhone();

test('a phone pairs: URL, pause, shared key, ack', async () => {
  const { gateway, sync } = await startTestServices();
  const url = await openSession(gateway, 'alice');
  expect(url).toMatch(new RegExp(`^${sync}/v2/sync/init/alice/[0-9a-f]{32}$`));

  const socket = await openSocket(url);
  const frame = JSON.parse(await socket.next());
  expect(frame).toEqual({
    qr_url: handshakeUrlOf(gateway, url),
    mobile_url: handshakeUrlOf(gateway, url).replace('http:', 'app:'),
  });
  const key = await pair(frame.qr_url, phone, 'correct horse');
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect(await socket.next()).toBe('201- pause');
  expect(await socket.next()).toBe('200- ack');
  expect(await socket.closed).toEqual({ code: 1000, reason: 'paired' });
  expect(socket.unread).toEqual([]);
});

test('the responses have exactly the members that docs/protocol.md lists', async () => {
  const { gateway } = await startTestServices();
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const handshake = await post(url, { public_key: phone.publicKeyPem });
  const first = JSON.parse(handshake.text);
  expect(Object.keys(first)).toEqual(['public_key', 'verification_url']);
  expect(first.verification_url).toBe(new URL(url).pathname.replace(/\/handshake$/, ''));
  expect(first.public_key).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);

  const password = encryptFor(first.public_key, Buffer.from('correct horse')).toString('base64');
  const verified = await post(`${gateway}${first.verification_url}`, { password });
  const second = JSON.parse(verified.text);
  expect(Object.keys(second)).toEqual(['shared_key', 'user_platforms', 'seeds_url']);
  expect(second.seeds_url).toBe(`${gateway}/seeds`);
  expect(second.user_platforms[0]).toMatchObject({ name: expect.any(String), letter: expect.any(String) });
  expect(second.user_platforms[0].logo).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/logos\//);
});

test('a PEM with raw line breaks is accepted under any content type but a form', async () => {
  const { gateway } = await startTestServices();
  const raw = `{"public_key":"${phone.publicKeyPem.trim()}"}`;
  for (const type of ['application/json', 'text/plain', 'application/octet-stream', '']) {
    const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
    expect((await post(url, Buffer.from(raw), { 'content-type': type })).status).toBe(200);
  }
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const form = await post(url, raw, { 'content-type': type });
    expect(form).toMatchObject({ status: 400, text: 'poorly formed json' });
  }
});

test('the handshake reports missing members with the texts of the old server', async () => {
  const { gateway } = await startTestServices();
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  expect(await post(url, '{"public_key"')).toMatchObject({ status: 400, text: 'poorly formed json' });
  expect(await post(url, '[]')).toMatchObject({ status: 400, text: 'poorly formed json' });
  expect(await post(url, {})).toMatchObject({ status: 400, text: 'missing public key' });
  const unknown = url.replace(/sessions\/\w+/, `sessions/${'0'.repeat(32)}`);
  expect(await post(unknown, { public_key: phone.publicKeyPem })).toMatchObject({
    status: 400,
    text: "failed to update user's public key",
  });
});

test('the password route reports missing members with the texts of the old server', async () => {
  const { gateway } = await startTestServices();
  const handshake = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const url = handshake.replace(/\/handshake$/, '');
  expect(await post(url, '{"password"')).toMatchObject({ status: 400, text: 'invalid json' });
  const untyped = await post(url, '{"password":"AAAA"}', { 'content-type': 'text/plain;charset=UTF-8' });
  // Clients may compare the text, which is part of the contract.
  expect(untyped).toMatchObject({ status: 400, text: 'invalid json' });
  expect(await post(url, {})).toMatchObject({ status: 400, text: 'missing password' });
  expect(await post(url, { password: 'AAAA' })).toMatchObject({
    status: 400,
    text: 'invalid session requested',
  });
  await shakeHands(handshake, phone);
  expect(await post(url, { password: 'AAAA' })).toMatchObject({
    status: 401,
    text: 'failed to authenticate',
  });
});

test('a phone that lost a response retries and gets the same key', async () => {
  const { gateway } = await startTestServices();
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const first = await pair(url, phone, 'correct horse');
  expect(await pair(url, phone, 'correct horse')).toBe(first);
});

test('a retry after another phone has paired does not restore the old key', async () => {
  const { gateway } = await startTestServices();
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  await pair(url, phone, 'correct horse');
  await pair(handshakeUrlOf(gateway, await openSession(gateway, 'alice')), createPhone(), 'correct horse');
  await expect(pair(url, phone, 'correct horse')).rejects.toThrow('400 invalid session requested');
});

test('a user API that fails causes 502, and the phone may try again', async () => {
  const { gateway } = await startTestServices({
    set: ['user_management_api.verification_url=http://127.0.0.1:1/%s', 'limits.passwords=1/15m'],
  });
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(pair(url, phone, 'correct horse')).rejects.toThrow('password: 502');
  }
});

test('PUT replaces the session id', async () => {
  const { gateway } = await startTestServices();
  const handshake = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const replaced = await get(handshake.replace(/\/handshake$/, ''), { method: 'PUT' });
  expect(replaced).toMatchObject({ status: 200, text: expect.stringMatching(/^[0-9a-f]{32}$/) });
  await expect(pair(handshake, phone, 'correct horse')).rejects.toThrow('handshake: 400');
  const fresh = handshake.replace(/sessions\/\w+/, `sessions/${replaced.text}`);
  await expect(pair(fresh, phone, 'correct horse')).resolves.toMatch(/^[0-9a-f]{32}$/);
  expect(await get(fresh.replace(/\/handshake$/, ''), { method: 'PUT' })).toMatchObject({
    status: 409,
    text: 'session is paired',
  });
});

test('in production PUT of an unknown session gets 404', async () => {
  const { gateway } = await startTestServices({ set: ['api.state=production'] });
  const url = `${gateway}/v2/sync/users/alice/sessions/${'0'.repeat(32)}`;
  expect((await get(url, { method: 'PUT' })).status).toBe(404);
});
