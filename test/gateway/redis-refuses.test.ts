// Redis is reachable but refuses writes: nothing is acknowledged, old data stays, and everything works afterwards.

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { startMessaging } from '../support/messaging.ts';
import {
  createPhone,
  encryptFor,
  get,
  handshakeUrlOf,
  openSession,
  post,
  shakeHands,
} from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { redisForFile } from '../support/redis.ts';
import { encryptAsApp } from '../support/sms.ts';

const redis = redisForFile({ appendfsync: 'no' });
beforeEach(() => redis().flush());

const states = {
  'is out of memory': {
    begin: ['config', 'set', 'maxmemory', '1'],
    end: ['config', 'set', 'maxmemory', '0'],
  },
  'has too few replicas': {
    begin: ['config', 'set', 'min-replicas-to-write', '1'],
    end: ['config', 'set', 'min-replicas-to-write', '0'],
  },
  'became a replica': {
    begin: ['replicaof', '127.0.0.1'],
    end: ['replicaof', 'no', 'one'],
  },
};

test.each(Object.entries(states))('Redis %s', async (what, { begin, end }) => {
  const { gateway, send, publisher, sharedKey, clock } = await startMessaging({
    names: ['gateway'],
    set: [`store.url=${redis().url}`],
    publisher: { fail: { failing: 1, of: 2 } },
  });
  const phone = createPhone();
  const handshake = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const { publicKey, verificationUrl } = await shakeHands(handshake, phone);
  const password = { password: encryptFor(publicKey, Buffer.from('correct horse')).toString('base64') };
  const seed = { IMSI: '624010000000001', MSISDN: '+237650000001', seed_type: 'seed' };
  const message = { text: encryptAsApp(sharedKey, 'g:to@example.org:::hello'), MSISDN: '+237650393369' };
  const requests = [
    () => post(verificationUrl, password),
    () => post(`${gateway}/seeds/ping`, seed),
    () => post(`${gateway}/sms/platform/gateway-client`, message),
    () => get(`${gateway}/v2/sync/users/bob`),
  ];

  onTestFinished(async () => void (await redis().call(...end)));
  await redis().call(...begin, ...(what === 'became a replica' ? [String(await freePort())] : []));
  for (const request of requests) {
    const { status, text, headers } = await request();
    expect([status, text]).toEqual([503, 'the store cannot be reached now']);
    expect(headers.get('retry-after')).toBe('1');
  }
  expect((await get(`${gateway}/readyz`)).status).toBe(503);
  await redis().call(...end);

  // Encrypted with the earlier shared key, once the connection is back.
  await vi.waitFor(
    async () => {
      clock.advance(1_000);
      expect((await get(`${gateway}/readyz`)).status).toBe(200);
    },
    { timeout: 10_000 },
  );
  expect(await redis().call('hlen', 'swob:{inbound}:entries')).toBe('0');
  expect((await get(`${gateway}/seeds`)).text).toBe('[]');
  expect((await send('g:to@example.org:::first')).status).toBe(202);
  expect((await send('g:to@example.org:::second')).status).toBe(200);
  expect(publisher.messages()).toHaveLength(1);
  for (const request of requests) expect((await request()).status).toBeOneOf([200, 202]);
});
