// docs/protocol.md, "Handshake and password": passwords guessed, replayed and misplaced, H5 to H9. H10 needs a process of its own.

import { expect, test } from 'vitest';
import {
  createPhone,
  decryptWith,
  handshakeUrlOf,
  openSession,
  pair,
  post,
  shakeHands,
  type TextResponse,
} from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';
import { type AttackedServices, expectService, phone, startAttackedServices } from './attacked-services.ts';
import { distinguishable, encryptedPassword, openHandshake } from './pairing-steps.ts';

const goodPassword = 'correct horse';

test('H5 the sixth wrong password of a session gets 429 and invalidates it, and is not forwarded', async () => {
  const services = await startAttackedServices();
  const { url, serverKey, handshakeUrl } = await openHandshake(services);
  for (let attempt = 0; attempt < 5; attempt++) {
    expect((await post(url, { password: encryptedPassword(serverKey, `wrong ${attempt}`) })).status).toBe(
      401,
    );
  }
  const sixth = await post(url, { password: encryptedPassword(serverKey, goodPassword) });
  expect(sixth).toMatchObject({ status: 429, text: expect.stringMatching(/^too many wrong passwords/) });
  expect(Number(sixth.headers.get('retry-after'))).toBe(900);
  const invalidated = await post(url, { password: encryptedPassword(serverKey, goodPassword) });
  expect(invalidated).toMatchObject({ status: 400, text: 'invalid session requested' });
  await expect(shakeHands(handshakeUrl, phone)).rejects.toThrow('handshake: 400');
  expect(services.passwordChecks()).toBe(5);
  expect(services.storedRecords()).toEqual({});
  services.clock.leap(900_000);
  await pair(
    handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice')),
    phone,
    goodPassword,
  );
});

/** Wrong passwords for alice, each in a session of its own; what the last ones were answered, by their number. */
async function guess(services: AttackedServices, from: number, to: number, addressOf: (n: number) => string) {
  const statuses: number[] = [];
  for (let n = from; n <= to; n++) {
    const headers = { 'x-forwarded-for': addressOf(n) };
    const { url, serverKey } = await openHandshake(services);
    statuses.push((await post(url, { password: encryptedPassword(serverKey, 'wrong') }, headers)).status);
  }
  return statuses;
}

test('H5 the sixth wrong password for a user from one address gets 429 and invalidates the session', async () => {
  const services = await startAttackedServices({
    set: ['api.trusted_proxies=127.0.0.1', 'limits.sessions=off'],
  });
  const sixth = await openHandshake(services);
  expect(await guess(services, 1, 5, () => '192.0.2.66')).toEqual([401, 401, 401, 401, 401]);
  const from = { 'x-forwarded-for': '192.0.2.66' };
  const password = encryptedPassword(sixth.serverKey, goodPassword);
  expect((await post(sixth.url, { password }, from)).status).toBe(429);
  expect((await post(sixth.url, { password }, from)).status).toBe(400);
  expect(services.passwordChecks()).toBe(5);
});

test('H5 and L7 lockout attack: guesses from other addresses do not lock the user out; the thirtieth in total gets 429', async () => {
  const services = await startAttackedServices({
    set: ['api.trusted_proxies=127.0.0.1', 'limits.sessions=off'],
  });
  await guess(services, 1, 20, (n) => `192.0.2.${n >> 2}`);
  const owner = await openHandshake(services);
  const password = encryptedPassword(owner.serverKey, goodPassword);
  expect((await post(owner.url, { password }, { 'x-forwarded-for': '198.51.100.1' })).status).toBe(200);
  const statuses = await guess(services, 21, 30, (n) => `192.0.2.${n >> 2}`);
  expect(statuses).toEqual([...Array<number>(9).fill(401), 429]);
  expect(services.passwordChecks()).toBe(30);
  await expectService(services);
});

test('H5 six wrong passwords from an address get 429, and invalidate no session of others', async () => {
  const services = await startAttackedServices({ set: ['api.trusted_proxies=127.0.0.1'] });
  const from = { 'x-forwarded-for': '192.0.2.66' };
  const attack = await openHandshake(services);
  for (let attempt = 0; attempt < 5; attempt++) {
    await post(attack.url, { password: encryptedPassword(attack.serverKey, 'wrong') }, from);
  }
  const bob = await openHandshake(services, 'bob');
  const password = encryptedPassword(bob.serverKey, 'battery staple');
  expect((await post(bob.url, { password }, from)).status).toBe(429);
  expect(services.passwordChecks()).toBe(5);
  expect((await post(bob.url, { password }, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(200);
});

test('H5 concurrent wrong passwords are counted like sequential ones', async () => {
  const services = await startAttackedServices();
  const { url, serverKey } = await openHandshake(services);
  const responses = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      post(url, { password: encryptedPassword(serverKey, `wrong ${index}`) }),
    ),
  );
  expect(responses.filter(({ status }) => status === 401)).toHaveLength(5);
  expect(responses.every(({ status }) => [400, 401, 429].includes(status))).toBe(true);
  expect(services.passwordChecks()).toBe(5);
});

test('H6 user enumeration: an unknown user and a wrong password get the same response', async () => {
  const services = await startAttackedServices();
  const responses = [];
  for (const user of ['alice', 'mallory']) {
    const { url, serverKey } = await openHandshake(services, user);
    responses.push(distinguishable(await post(url, { password: encryptedPassword(serverKey, 'wrong') })));
  }
  expect(responses[0]).toEqual(responses[1]);
  expect(responses[0]).toMatchObject({ status: 401 });
});

test("H7 after a failed re-pairing the earlier phone's key still works", async () => {
  const services = await startAttackedServices();
  const first = handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice'));
  const key = await pair(first, phone, goodPassword);
  const kept = services.storedRecords();
  const { url, serverKey } = await openHandshake(services, 'alice', createPhone());
  expect((await post(url, { password: encryptedPassword(serverKey, 'wrong') })).status).toBe(401);
  expect(services.storedRecords()).toEqual(kept);
  expect(Object.values(kept).map((record) => JSON.parse(record).record.sharedKey)).toEqual([key]);
  expect(await pair(first, phone, goodPassword)).toBe(key);
});

test('H7 a user API that fails while re-pairing leaves the earlier key alone', async () => {
  const services = await startAttackedServices();
  await pair(
    handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice')),
    phone,
    goodPassword,
  );
  const kept = services.storedRecords();
  await services.stop();
  const broken = await startAttackedServices({
    folder: services.folder,
    set: [`user_management_api.platforms_url=${services.api.url}/broken/%s`],
  });
  const { url, serverKey } = await openHandshake(broken, 'alice', createPhone());
  const { status } = await post(url, { password: encryptedPassword(serverKey, goodPassword) });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(broken.storedRecords()).toEqual(kept);
});

test('H8 the right password on an unknown session gets 400, no ack and no key', async () => {
  const services = await startAttackedServices();
  const init = await openSession(services.gateway, 'alice');
  const socket = await openSocket(init);
  await socket.next();
  const { url, serverKey } = await openHandshake(services);
  const password = encryptedPassword(serverKey, goodPassword);
  const unknown = url.replace(/\w{32}$/, '0'.repeat(32));
  const open = handshakeUrlOf(services.gateway, init).replace('/handshake', '');
  const foreign = url.replace('/alice/', '/bob/');
  for (const wrong of [unknown, open, foreign]) {
    expect(await post(wrong, { password })).toMatchObject({ status: 400, text: 'invalid session requested' });
  }
  await socket.settled();
  expect(socket.unread).toEqual([]);
  expect(services.passwordChecks()).toBe(0);
  expect(services.storedRecords()).toEqual({});
  expect((await post(url, { password })).status).toBe(200);
});

test('H9 replay: a captured password ciphertext gets 401 on a session of the attacker, and no key changes', async () => {
  const services = await startAttackedServices({ set: ['limits.passwords=off'] });
  const victim = await openHandshake(services);
  const password = encryptedPassword(victim.serverKey, goodPassword);
  const paired = await post(victim.url, { password });
  const kept = services.storedRecords();
  const checksBefore = services.passwordChecks();
  const attacker = createPhone();
  const spellings = [
    password,
    password.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
    password.replace(/.{76}/g, '$&\n'),
  ];
  const attack = async (on: AttackedServices): Promise<void> => {
    const init = await openSession(on.gateway, 'alice');
    const socket = await openSocket(init);
    await socket.next();
    const { verificationUrl } = await shakeHands(handshakeUrlOf(on.gateway, init), attacker);
    for (const spelling of spellings) {
      expect(await post(verificationUrl, { password: spelling })).toMatchObject({
        status: 401,
        text: 'failed to authenticate',
      });
    }
    await socket.settled();
    expect(socket.unread).toEqual(['201- pause']);
    expect(on.storedRecords()).toEqual(kept);
  };
  await attack(services);
  expect(services.passwordChecks()).toBe(checksBefore);
  // The phone itself may ask again.
  const again = await post(victim.url, { password });
  const keyIn = ({ text }: TextResponse) =>
    decryptWith(phone.privateKey, Buffer.from(JSON.parse(text).shared_key, 'base64')).toString();
  expect(keyIn(again)).toBe(keyIn(paired));
  // Neither a day nor a restart makes it forgotten.
  services.clock.leap(86_400_000);
  await attack(services);
  await services.stop();
  const restarted = await startAttackedServices({ folder: services.folder });
  await attack(restarted);
  expect(restarted.passwordChecks()).toBe(0);
  await expectService(restarted);
});

test('H9 a ciphertext that was refused on one session proves nothing on another', async () => {
  const services = await startAttackedServices();
  const victim = await openHandshake(services);
  const password = encryptedPassword(victim.serverKey, 'wrong');
  await post(victim.url, { password });
  const attacker = await openHandshake(services, 'alice', createPhone());
  const checksBefore = services.passwordChecks();
  expect((await post(attacker.url, { password })).status).toBe(401);
  expect(services.passwordChecks()).toBe(checksBefore);
  expect(services.storedRecords()).toEqual({});
});

test('right passwords that arrive together from one address all pass', async () => {
  const services = await startAttackedServices();
  const sessions = await Promise.all(
    ['alice', 'bob'].flatMap((user) => Array.from({ length: 4 }, () => openHandshake(services, user))),
  );
  const responses = await Promise.all(
    sessions.map(({ url, serverKey }, index) =>
      post(url, { password: encryptedPassword(serverKey, index < 4 ? goodPassword : 'battery staple') }),
    ),
  );
  expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200));
});

test('a burst of wrong passwords from one address is bounded', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `victim${index}`);
  const services = await startAttackedServices({ set: ['limits.sessions=off'] });
  const sessions = await Promise.all(names.map((user) => openHandshake(services, user)));
  const responses = await Promise.all(
    sessions.map(({ url, serverKey }) => post(url, { password: encryptedPassword(serverKey, 'guess') })),
  );
  expect(responses.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(32);
  expect(responses.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(28);
});
