// `[store] replicas = 1` while the replica hangs: nothing is acknowledged that the replica does not have, however often a
// client retries, and what was acknowledged before stays in use.

import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startMessaging } from '../support/messaging.ts';
import { patient } from '../support/patience.ts';
import {
  createPhone,
  encryptFor,
  handshakeUrlOf,
  openSession,
  pair,
  post,
  shakeHands,
} from '../support/phone.ts';
import { redisPairForFile } from '../support/redis-replica.ts';
import { encryptAsApp } from '../support/sms.ts';

const redis = redisPairForFile({ appendfsync: 'no' });
beforeEach(async () => {
  await redis().ready();
  await redis().master.flush();
});

const start = (options: Parameters<typeof startMessaging>[0] = {}) =>
  startMessaging({
    ...options,
    names: ['gateway'],
    set: [`store.url=${redis().master.url}`, 'store.replicas=1', `store.replica_timeout=${patient(1_000)}ms`],
  });

/** Until the test ends, or `redis().ready()`. */
function hangReplica(): void {
  redis().replica.freeze();
  onTestFinished(() => redis().replica.thaw());
}

test('an SMS is accepted only once the replica has it', async () => {
  const { send, sharedKey, post } = await start({ publisher: { mode: 'refuse' } });
  expect((await send('g:to@example.org:::kept')).status).toBe(202);
  const body = { text: encryptAsApp(sharedKey, 'g:to@example.org:::hello'), MSISDN: '+237650393369' };
  hangReplica();
  for (let n = 0; n < 3; n++) expect([n, (await post(body)).status]).toEqual([n, 503]);
  await redis().ready();
  expect((await post(body)).status).toBe(202);
  expect(await redis().replica.call('hvals', 'swob:{inbound}:entries')).toContain('hello');
});

test('a phone is paired only once the replica has its key, and the earlier key stays in use until then', async () => {
  const { gateway, send, publisher } = await start();
  const phone = createPhone();
  const handshake = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const { publicKey, verificationUrl } = await shakeHands(handshake, phone);
  const body = { password: encryptFor(publicKey, Buffer.from('correct horse')).toString('base64') };
  hangReplica();
  for (let n = 0; n < 3; n++) expect([n, (await post(verificationUrl, body)).status]).toEqual([n, 503]);
  // The phone that paired before.
  await send('g:to@example.org:::by the earlier key');
  expect(publisher.messages().map(({ message }) => message)).toEqual([
    'g:to@example.org:::by the earlier key',
  ]);
  await redis().ready();
  expect((await post(verificationUrl, body)).status).toBe(200);
  expect(await redis().replica.call('get', 'swob:user:alice')).toContain(JSON.stringify(phone.publicKeyPem));
});

test('a phone whose key the replica missed at the last moment gets its ack only once the replica has the key', async () => {
  const { gateway } = await start();
  const phone = createPhone();
  const handshake = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  await pair(handshake, phone, 'correct horse');
  hangReplica();
  // A write that the replica does not have, as that of the key might be.
  await redis().master.call('set', 'test:other', 'x');
  await expect(pair(handshake, phone, 'correct horse')).rejects.toThrow('503');
  await redis().ready();
  await pair(handshake, phone, 'correct horse');
});

test('every one of several phones that pair concurrently has a key that is known afterwards', async () => {
  const { gateway, publisher } = await start();
  const phones = [1, 2, 3].map(() => createPhone());
  const urls = await Promise.all(
    phones.map(async () => handshakeUrlOf(gateway, await openSession(gateway, 'alice'))),
  );
  const keys = await Promise.all(phones.map((phone, at) => pair(urls[at] ?? '', phone, 'correct horse')));
  for (const key of keys) {
    const body = { text: encryptAsApp(key, `g:to@example.org:::${key}`), MSISDN: '+237650393369' };
    expect((await post(`${gateway}/sms/platform/gateway-client`, body)).status).toBe(200);
  }
  const published = publisher.messages().map(({ message }) => message);
  expect(published).toEqual(keys.map((key) => `g:to@example.org:::${key}`));
});
