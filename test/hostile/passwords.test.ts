// HOSTILE.md, "Handshake": passwords guessed, replayed and misplaced, H5 to H9. H10 needs a process of its own.

import { expect, test } from 'vitest';
import {
  type Answer,
  createPhone,
  decryptWith,
  handshakeUrlOf,
  openSession,
  pair,
  post,
  shakeHands,
} from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';
import { sealed, shake, visible } from './attempts.ts';
import { expectService, phone, startWorld, type World } from './world.ts';

const goodPassword = 'correct horse';

test('H5 the sixth wrong password of a session gets 429 and burns it, and is not forwarded', async () => {
  const world = await startWorld();
  const { url, serverKey, handshakeUrl } = await shake(world);
  for (let attempt = 0; attempt < 5; attempt++) {
    expect((await post(url, { password: sealed(serverKey, `wrong ${attempt}`) })).status).toBe(401);
  }
  const sixth = await post(url, { password: sealed(serverKey, goodPassword) });
  expect(sixth).toMatchObject({ status: 429, text: expect.stringMatching(/^too many wrong passwords/) });
  expect(Number(sixth.headers.get('retry-after'))).toBe(900);
  const burned = await post(url, { password: sealed(serverKey, goodPassword) });
  expect(burned).toMatchObject({ status: 400, text: 'invalid session requested' });
  await expect(shakeHands(handshakeUrl, phone)).rejects.toThrow('handshake: 400');
  expect(world.asked()).toBe(5);
  expect(world.records()).toEqual({});
  world.clock.advance(900_000);
  await pair(handshakeUrlOf(world.gateway, await openSession(world.gateway, 'alice')), phone, goodPassword);
});

test('H5 six wrong passwords for a user, whatever session and address, get 429', async () => {
  const world = await startWorld({ set: ['api.trusted_proxies=127.0.0.1'] });
  const attempts = [];
  for (let count = 0; count < 6; count++) attempts.push(await shake(world));
  const answers: Answer[] = [];
  for (const [index, { url, serverKey }] of attempts.entries()) {
    const from = { 'x-forwarded-for': `192.0.2.${index}` };
    answers.push(await post(url, { password: sealed(serverKey, 'wrong') }, from));
  }
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429]);
  expect(world.asked()).toBe(5);
  await expectService(world);
});

test('H5 six wrong passwords from an address get 429, and burn no session of others', async () => {
  const world = await startWorld({ set: ['api.trusted_proxies=127.0.0.1'] });
  const from = { 'x-forwarded-for': '192.0.2.66' };
  const attack = await shake(world);
  for (let attempt = 0; attempt < 5; attempt++) {
    await post(attack.url, { password: sealed(attack.serverKey, 'wrong') }, from);
  }
  const bob = await shake(world, 'bob');
  const password = sealed(bob.serverKey, 'battery staple');
  expect((await post(bob.url, { password }, from)).status).toBe(429);
  expect(world.asked()).toBe(5);
  expect((await post(bob.url, { password }, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(200);
});

test('H5 wrong passwords that come all at once are counted as if one by one', async () => {
  const world = await startWorld();
  const { url, serverKey } = await shake(world);
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => post(url, { password: sealed(serverKey, `wrong ${index}`) })),
  );
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
  expect(answers.every(({ status }) => [400, 401, 429].includes(status))).toBe(true);
  expect(world.asked()).toBe(5);
});

test('H6 an unknown user and a wrong password get the same answer', async () => {
  const world = await startWorld();
  const answers = [];
  for (const user of ['alice', 'mallory']) {
    const { url, serverKey } = await shake(world, user);
    answers.push(visible(await post(url, { password: sealed(serverKey, 'wrong') })));
  }
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toMatchObject({ status: 401 });
});

test("H7 after a failed re-pairing the earlier phone's key still works", async () => {
  const world = await startWorld();
  const first = handshakeUrlOf(world.gateway, await openSession(world.gateway, 'alice'));
  const key = await pair(first, phone, goodPassword);
  const kept = world.records();
  const { url, serverKey } = await shake(world, 'alice', createPhone());
  expect((await post(url, { password: sealed(serverKey, 'wrong') })).status).toBe(401);
  expect(world.records()).toEqual(kept);
  expect(Object.values(kept).map((record) => JSON.parse(record).sharedKey)).toEqual([key]);
  expect(await pair(first, phone, goodPassword)).toBe(key);
});

test('H7 a user API that fails while re-pairing leaves the earlier key alone', async () => {
  const world = await startWorld();
  await pair(handshakeUrlOf(world.gateway, await openSession(world.gateway, 'alice')), phone, goodPassword);
  const kept = world.records();
  await world.stop();
  const broken = await startWorld({
    folder: world.folder,
    set: [`user_management_api.platforms_url=${world.api.url}/broken/%s`],
  });
  const { url, serverKey } = await shake(broken, 'alice', createPhone());
  const { status } = await post(url, { password: sealed(serverKey, goodPassword) });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(broken.records()).toEqual(kept);
});

test('H8 the right password on an unknown session gets 400, no ack and no key', async () => {
  const world = await startWorld();
  const init = await openSession(world.gateway, 'alice');
  const socket = await openSocket(init);
  await socket.next();
  const { url, serverKey } = await shake(world);
  const password = sealed(serverKey, goodPassword);
  const unknown = url.replace(/\w{32}$/, '0'.repeat(32));
  const open = handshakeUrlOf(world.gateway, init).replace('/handshake', '');
  const foreign = url.replace('/alice/', '/bob/');
  for (const wrong of [unknown, open, foreign]) {
    expect(await post(wrong, { password })).toMatchObject({ status: 400, text: 'invalid session requested' });
  }
  await socket.settled();
  expect(socket.unread).toEqual([]);
  expect(world.asked()).toBe(0);
  expect(world.records()).toEqual({});
  expect((await post(url, { password })).status).toBe(200);
});

test('H9 a captured password ciphertext gets 401 on a session of the attacker, and no key changes', async () => {
  const world = await startWorld({ set: ['limits.passwords=off'] });
  const victim = await shake(world);
  const password = sealed(victim.serverKey, goodPassword);
  const paired = await post(victim.url, { password });
  const kept = world.records();
  const asked = world.asked();
  const attacker = createPhone();
  const spellings = [
    password,
    password.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
    password.replace(/.{76}/g, '$&\n'),
  ];
  const attack = async (on: World): Promise<void> => {
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
    expect(on.records()).toEqual(kept);
  };
  await attack(world);
  expect(world.asked()).toBe(asked);
  // The phone itself may ask again.
  const again = await post(victim.url, { password });
  const keyIn = ({ text }: Answer) =>
    decryptWith(phone.privateKey, Buffer.from(JSON.parse(text).shared_key, 'base64')).toString();
  expect(keyIn(again)).toBe(keyIn(paired));
  // Neither a day nor a restart makes it forgotten.
  world.clock.advance(86_400_000);
  await attack(world);
  await world.stop();
  const restarted = await startWorld({ folder: world.folder });
  await attack(restarted);
  expect(restarted.asked()).toBe(0);
  await expectService(restarted);
});

test('H9 a ciphertext that was refused on one session proves nothing on another', async () => {
  const world = await startWorld();
  const victim = await shake(world);
  const password = sealed(victim.serverKey, 'wrong');
  await post(victim.url, { password });
  const attacker = await shake(world, 'alice', createPhone());
  const asked = world.asked();
  expect((await post(attacker.url, { password })).status).toBe(401);
  expect(world.asked()).toBe(asked);
  expect(world.records()).toEqual({});
});

test('right passwords that arrive together from one address all pass', async () => {
  const world = await startWorld();
  const sessions = await Promise.all(
    ['alice', 'bob'].flatMap((user) => Array.from({ length: 4 }, () => shake(world, user))),
  );
  const answers = await Promise.all(
    sessions.map(({ url, serverKey }, index) =>
      post(url, { password: sealed(serverKey, index < 4 ? goodPassword : 'battery staple') }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
});

test('a burst of wrong passwords from one address is bounded', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `victim${index}`);
  const world = await startWorld({ set: ['limits.sessions=off'] });
  const sessions = await Promise.all(names.map((user) => shake(world, user)));
  const answers = await Promise.all(
    sessions.map(({ url, serverKey }) => post(url, { password: sealed(serverKey, 'guess') })),
  );
  expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(32);
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(28);
});
