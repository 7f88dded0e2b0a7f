// Steps of pairing whose store fails, and passwords that were captured.

import { expect, test, vi } from 'vitest';
import { createPairingSteps } from '../../../src/domain/pairing/steps.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createPhone } from '../../support/phone.ts';

const limit = { count: 2, windowMs: 60_000 };

/** Sessions of one user, each taken by a phone of its own. */
async function takenSessions() {
  const clock = createFakeClock();
  const store = createMemoryStore(storeOptions(clock));
  const steps = createPairingSteps(store, clock);
  for (const sessionId of ['one', 'other']) {
    expect(await steps.open({ userId: 'alice', sessionId, address: 'a' }, limit)).toBeUndefined();
    const phone = { publicKey: createPhone().publicKeyPem, sharedKey: `key of ${sessionId}` };
    await store.sessions.pause('alice', sessionId, phone);
  }
  const sent = (sessionId: string, digest: string) => ({ userId: 'alice', sessionId, address: 'a', digest });
  return { clock, store, steps, sent };
}

test('a session that exceeds a limit is not opened', async () => {
  const { steps, store } = await takenSessions();
  const third = { userId: 'alice', sessionId: 'third', address: 'a' };
  expect(await steps.open(third, limit)).toEqual({ key: 'session:address:a', seconds: 60 });
  expect(await store.sessions.get('alice', 'third')).toBeUndefined();
});

test('an attempt does not count when the store fails during it', async () => {
  const { steps, store, sent } = await takenSessions();
  const fails = vi.spyOn(store.users, 'get').mockRejectedValue(new Error('damaged'));
  for (let n = 0; n < 5; n++)
    await expect(steps.beginPassword(sent('one', 'd'), limit, false)).rejects.toThrow('damaged');
  fails.mockRestore();
  expect(await steps.beginPassword(sent('one', 'd'), limit, false)).toMatchObject({
    kind: 'begun',
    phone: { sharedKey: 'key of one' },
    isFresh: true,
  });
});

test('a ciphertext that another phone has sent is not fresh, also when its claim has expired', async () => {
  const { steps, sent, store, clock } = await takenSessions();
  expect(await steps.beginPassword(sent('one', 'd'), limit, false)).toMatchObject({ isFresh: true });
  expect(await steps.beginPassword(sent('other', 'd'), limit, false)).toMatchObject({ isFresh: false });
  expect(await steps.pair(sent('one', 'd'), limit, 'key of one')).toBe('paired');
  clock.advance(3_600_001);
  await store.sessions.open('alice', 'late');
  await store.sessions.pause('alice', 'late', { publicKey: createPhone().publicKeyPem, sharedKey: 'k' });
  expect(await steps.beginPassword(sent('late', 'd'), limit, false)).toMatchObject({ isFresh: false });
});

test('a pairing is stored once a session, and not for a phone that does not hold it', async () => {
  const { steps, sent, store } = await takenSessions();
  expect(await steps.pair(sent('one', 'd'), limit, 'key of other')).toBe('invalid');
  expect(await store.users.get('alice')).toBeUndefined();
  expect(await steps.pair(sent('one', 'd'), limit, 'key of one')).toBe('paired');
  expect(await steps.pair(sent('one', 'd'), limit, 'key of one')).toBe('paired');
  expect(await store.users.get('alice')).toMatchObject({ sharedKey: 'key of one', formerKeys: [] });
  await store.sessions.remove('alice', 'one');
  expect(await steps.pair(sent('one', 'd'), limit, 'key of one')).toBe('ended');
  expect(await steps.pair(sent('other', 'e'), limit, 'key of other')).toBe('paired');
  expect(await steps.pair(sent('one', 'd'), limit, 'key of one')).toBe('invalid');
});

test('a user whose record others replace all the time is refused in the end', async () => {
  const { steps, sent, store } = await takenSessions();
  const replace = vi.spyOn(store.users, 'replace').mockResolvedValue(false);
  expect(await steps.pair(sent('one', 'd'), limit, 'key of one')).toBe('contended');
  expect(replace).toHaveBeenCalledTimes(10);
});
