// Revocations that meet a pairing: a revoked key never comes back, and what was captured before pairs nothing after it.

import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { createMemoryBus } from '../../../src/bus/memory.ts';
import { createPairing } from '../../../src/domain/pairing/pairing.ts';
import { createPairings } from '../../../src/domain/pairing/revocation.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createPhone } from '../../support/phone.ts';
import { createRequestContext } from '../../support/request-context.ts';

function start() {
  const clock = createFakeClock();
  const store = createMemoryStore(storeOptions(clock));
  const pairing = createPairing({
    store,
    bus: createMemoryBus(),
    clock,
    users: { authenticate: async () => ({ kind: 'accepted', platforms: [] }) },
    keys: { publicKeyPem: '', decrypt: () => Buffer.from('secret') },
    limits: { sessions: 'off', passwords: 'off', guesses: 'off' },
    production: true,
  });
  const pairings = createPairings({ users: store.users, clock });
  const context = createRequestContext();
  return {
    clock,
    store,
    pairing,
    pairings,
    revoke: () => pairings.revoke('alice', context.log),
    /** A phone that has taken a session; `pair` sends the same password each time. */
    takeSession: async (password = randomBytes(256).toString('base64')) => {
      const sessionId = await pairing.open('alice', '192.0.2.1');
      await pairing.handshake('alice', sessionId, createPhone().publicKeyPem, context);
      return () => pairing.authenticate('alice', sessionId, password, context);
    },
    record: async () => {
      const user = await store.users.get('alice');
      if (!user) throw new Error('alice has no record');
      return user;
    },
  };
}

test('removes the current key and the former ones, and says when', async () => {
  const { clock, pairing, pairings, revoke, takeSession, record } = start();
  expect(await revoke()).toEqual({ kind: 'unknown' });
  await (await takeSession())();
  await (await takeSession())();
  const before = await record();
  expect(before.formerKeys).toHaveLength(1);
  clock.advance(5_000);
  const revoked = await revoke();
  const now = clock.now() / 1_000;
  expect(revoked).toMatchObject({
    kind: 'revoked',
    pairing: { userId: 'alice', revokedAt: now, pairedAt: now - 5 },
  });
  const after = await record();
  const kept = JSON.stringify(after);
  for (const { sharedKey } of [before, ...(before.formerKeys ?? [])]) expect(kept).not.toContain(sharedKey);
  expect(await pairing.pairedAt('alice')).toBeUndefined();
  clock.advance(5_000);
  expect(await revoke()).toMatchObject({ kind: 'already revoked', pairing: { revokedAt: now } });
  expect(await record()).toEqual(after);
  const fingerprint = expect.stringMatching(/^[0-9a-f]{64}$/);
  expect(await pairings.find('alice')).toEqual({
    userId: 'alice',
    pairedAt: now - 5,
    revokedAt: now,
    fingerprint,
  });
});

test('a phone whose session was not completed does not get its revoked key back', async () => {
  const { store, revoke, takeSession, record } = start();
  const pair = await takeSession();
  vi.spyOn(store.sessions, 'complete').mockRejectedValueOnce(
    new SwobError('UNAVAILABLE', 'no answer in time'),
  );
  await expect(pair()).rejects.toThrow('no answer in time');
  await revoke();
  const revoked = await record();
  await expect(pair()).rejects.toThrow('invalid session requested');
  expect(await record()).toEqual(revoked);
  // Nor once another phone has paired.
  await (await takeSession())();
  const other = await record();
  expect(other.revokedAt).toBeUndefined();
  await expect(pair()).rejects.toThrow('failed to authenticate');
  expect(await record()).toEqual(other);
});

test('a password that was captured before does not pair another phone', async () => {
  const { clock, revoke, takeSession, record } = start();
  const password = randomBytes(256).toString('base64');
  await (await takeSession(password))();
  await revoke();
  // The claim of the password for the first phone's key has expired.
  clock.advance(7_200_000);
  const revoked = await record();
  await expect((await takeSession(password))()).rejects.toThrow('failed to authenticate');
  expect(await record()).toEqual(revoked);
});

test('a key that another phone pairs with at the same time is revoked too, or is newer than the revocation', async () => {
  const { store, revoke, takeSession, record } = start();
  await (await takeSession())();
  const pairSecond = await takeSession();
  const { replace } = store.users;
  vi.spyOn(store.users, 'replace').mockImplementationOnce(async (...args) => {
    await pairSecond();
    return replace(...args);
  });
  const before = await record();
  expect(await revoke()).toMatchObject({ kind: 'revoked' });
  const after = await record();
  expect(after.formerKeys).toBeUndefined();
  expect(after.sharedKey).not.toBe(before.sharedKey);
  expect(after.revokedKeys).toHaveLength(2);
});
