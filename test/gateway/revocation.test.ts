// Revocation through the admin routes of a running gateway: from its response on, no SMS is decrypted under a key of the user.

import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metric } from '../hostile/probes.ts';
import { type Messaging, type MessagingOptions, msisdn, startMessaging } from '../support/messaging.ts';
import { createPhone, get, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';

async function start(options: MessagingOptions = {}) {
  const services = await startMessaging(options);
  const token = readFileSync(join(services.folder, 'admin.token'), 'utf8').trim();
  const call = async (path: string, method = 'GET', as = token) => {
    const answer = await get(`${services.gateway}${path}`, {
      method,
      headers: { authorization: `Bearer ${as}` },
    });
    return { ...answer, json: (): unknown => JSON.parse(answer.text) };
  };
  return {
    ...services,
    call,
    revoke: (user = 'alice', as?: string) => call(`/sync/users/${user}/paired`, 'DELETE', as),
    publishedMessages: () => services.publisher.messages().map(({ message }) => message),
  };
}

const pairAgain = async ({ gateway }: Messaging) => {
  const phone = createPhone();
  const key = await pair(
    handshakeUrlOf(gateway, await openSession(gateway, 'alice')),
    phone,
    'correct horse',
  );
  const der = createPublicKey(phone.publicKeyPem).export({ type: 'spki', format: 'der' });
  return { key, fingerprint: createHash('sha256').update(der).digest('hex') };
};

test('the list shows who paired when, by which key, and never a secret', async () => {
  const services = await start();
  const { call, clock, sharedKey } = services;
  clock.advance(1_000);
  const { key, fingerprint } = await pairAgain(services);
  const listed = await call('/sync/users?prefix=al&limit=5');
  expect(listed.json()).toEqual({
    pairings: [{ userId: 'alice', pairedAt: clock.now() / 1_000, fingerprint }],
  });
  for (const secret of [key, sharedKey]) expect(listed.text).not.toContain(secret);
  expect((await call('/sync/users?prefix=b')).json()).toEqual({ pairings: [] });
  expect((await call('/sync/users?after=alice')).json()).toEqual({ pairings: [] });
  for (const query of [
    'limit=0',
    'limit=10000',
    'limit=x',
    'prefix=%00',
    'prefix=a/b',
    `after=${'a'.repeat(129)}`,
  ])
    expect([query, (await call(`/sync/users?${query}`)).status]).toEqual([query, 400]);
  expect((await call('/sync/users', 'GET', 'x')).status).toBe(401);
});

test('SMS under the current and the former key are refused with a reason; after another pairing they stay refused', async () => {
  const services = await start();
  const { call, revoke, post, sharedKey, gateway, log } = services;
  const second = await pairAgain(services);
  const send = (key: string, message: string) => post({ text: encryptAsApp(key, message), MSISDN: msisdn });
  expect((await send(sharedKey, 'g:by the former key')).text).toBe('message published successfully');

  expect((await revoke('alice', 'wrong')).status).toBe(401);
  expect((await send(second.key, 'g:by the current key')).text).toBe('message published successfully');
  const revoked = await revoke();
  expect([revoked.status, revoked.json()]).toEqual([
    200,
    expect.objectContaining({ userId: 'alice', fingerprint: second.fingerprint, revokedNow: true }),
  ]);
  for (const [key, name] of [
    [sharedKey, 'former'],
    [second.key, 'current'],
  ] as const)
    expect((await send(key, `g:later by the ${name} key`)).text).toBe('message cannot be published');
  expect(await metric(gateway, 'swob_sms_refusals_total{reason="revoked"}')).toBe(2);
  expect((await call('/sync/users/alice/paired')).status).toBe(404);
  expect((await call('/sync/users')).json()).toMatchObject({ pairings: [{ revokedAt: expect.any(Number) }] });
  expect(log.lines.filter(({ message }) => message === 'revoked the pairing of a user')).toHaveLength(1);

  expect((await revoke()).json()).toMatchObject({ revokedNow: false });
  expect(await revoke('nobody')).toMatchObject({ status: 404, text: 'this user has not paired' });
  for (const [outcome, count] of [
    ['revoked', 1],
    ['already_revoked', 1],
    ['unknown', 1],
  ] as const)
    expect(await metric(gateway, `swob_pairing_revocations_total{outcome="${outcome}"}`)).toBe(count);

  const third = await pairAgain(services);
  expect((await send(third.key, 'g:by the new key')).text).toBe('message published successfully');
  expect((await send(second.key, 'g:once more')).text).toBe('message cannot be published');
  expect(services.publishedMessages()).toEqual([
    'g:by the former key',
    'g:by the current key',
    'g:by the new key',
  ]);
});

test('of the messages that wait, those that were decrypted are published, and the others are dead-lettered', async () => {
  const services = await start({ set: ['backend_publisher.cache_ttl=0s'] });
  const { developer, publisher, clock, call, revoke, publishedMessages } = services;
  publisher.setMode('refuse');
  expect((await services.send('g:decrypted before')).status).toBe(202);
  developer.setMode('refuse');
  expect((await services.send('g:not decrypted yet')).status).toBe(202);
  expect((await revoke()).status).toBe(200);
  publisher.setMode('normal');
  developer.setMode('normal');
  const failed = async () => {
    clock.advance(10_000);
    return (await call('/sms/failed')).text;
  };
  await expect.poll(failed).toContain('the pairing of its user was revoked');
  await expect
    .poll(async () => {
      await failed();
      return publishedMessages();
    })
    .toEqual(['g:decrypted before']);
});
