// docs/protocol.md, L9: exhausted limits of wrong guesses stay exhausted after a crash.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { createDevelopers } from '../../../src/domain/outgoing/developers.ts';
import {
  beginAttempt,
  countWrongPassword,
  refundAttempt,
} from '../../../src/domain/pairing/password-attempts.ts';
import type { Store } from '../../../src/domain/store.ts';
import type { SwobError } from '../../../src/errors.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { crashImage, fillDiskHalfway, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const limit = { count: 5, windowMs: 900_000 };
const address = '2001:db8:1:2::/64';

/** A guess as pairing makes it: undefined when the password is asked for, otherwise the seconds to wait. */
async function guess({ limits }: Store, user: string, from = address): Promise<number | undefined> {
  const attempt = { userId: user, sessionId: `${Math.random()}`, address: from };
  const refusal = await beginAttempt(limits, limit, attempt, false);
  if (!refusal) await countWrongPassword(limits, limit, attempt);
  return refusal?.seconds;
}

test('a user, an address and its networks have no more guesses after a crash than before', async () => {
  const { store, folder, clock } = await openStore();
  for (let n = 0; n < 3; n++) expect(await guess(store, 'alice')).toBeUndefined();
  clock.advance(300_000);
  const { store: after } = await openStore({ folder: await crashImage(folder), clock });
  for (let n = 0; n < 2; n++) expect(await guess(after, 'alice')).toBeUndefined();
  const image = await crashImage(folder);
  expect(await guess(after, 'alice')).toBe(600);

  // From the first store's folder, the last two guesses are missing.
  const { store: other } = await openStore({ folder: image, clock });
  for (let n = 0; n < 2; n++) expect(await guess(other, 'bob')).toBeUndefined();
  expect(await guess(other, 'bob')).toBe(600);
  // 20 from its /56: three by this address, and 17 by its neighbours.
  const { store: network } = await openStore({ folder: await crashImage(image), clock });
  for (let n = 0; n < 15; n++)
    expect(await guess(network, `user ${n}`, `2001:db8:1:${n + 10}::/64`)).toBeUndefined();
  expect(await guess(network, 'carol', '2001:db8:1:ff::/64')).toBe(600);
  expect(await guess(network, 'carol', '2001:db8:2:1::/64')).toBeUndefined();
});

test('the same holds for a developer whose key is guessed, and for an attacker who guesses at many', async () => {
  const api = { authenticate: async () => ({ kind: 'refused' }) as const };
  const guesses = ({ limits }: Store) => {
    const developers = createDevelopers({ api, limits, setup: { id: '', key: '' }, guessLimit: limit });
    return (id: string, from: string) =>
      developers.authenticate(id, 'guess', from).catch((error: SwobError) => error.code);
  };
  const { store, folder, clock } = await openStore();
  for (let n = 0; n < 5; n++) expect(await guesses(store)(`${n}`, '10.0.0.1')).toBe('UNAUTHENTICATED');
  const { store: after } = await openStore({ folder: await crashImage(folder), clock });
  expect(await guesses(after)('another', '10.0.0.1')).toBe('LIMITED');
  expect(await guesses(after)('0', '10.0.0.2')).toBe('UNAUTHENTICATED');
});

test('a window keeps its end, and setting the clock back does not extend it', async () => {
  const { store, folder, clock } = await openStore();
  for (let n = 0; n < 5; n++) await guess(store, 'alice');
  const image = await crashImage(folder);
  await store.close();
  const { store: later } = await openStore({ folder, clock: createFakeClock(clock.now() + 900_000) });
  expect(await guess(later, 'alice')).toBeUndefined();
  const earlier = createFakeClock(clock.now() - 86_400_000);
  const { store: before } = await openStore({ folder: image, clock: earlier });
  expect(await guess(before, 'alice')).toBe(900);
  earlier.advance(900_000);
  expect(await guess(before, 'alice')).toBeUndefined();
});

test('does not write correct passwords, nor limits that do not count guesses', async () => {
  const { store, folder } = await openStore();
  const attempt = { userId: 'alice', sessionId: 's', address };
  expect(await beginAttempt(store.limits, limit, attempt, false)).toBeUndefined();
  await refundAttempt(store.limits, limit, attempt);
  for (let n = 0; n < 9; n++) await store.limits.consume(`ping:address:${address}`, limit);
  expect(await readdir(folder)).not.toContain('limits');
});

test('concurrent guesses share their writes, and no session is in the file', async () => {
  const { store, folder } = await openStore();
  await guess(store, 'first');
  const file = join(folder, 'limits', '1.ndjson');
  await Promise.all(Array.from({ length: 100 }, (_, n) => guess(store, `${n}`, `10.0.0.${n}`)));
  const text = await readFile(file, 'utf8');
  expect(text).toContain('password:user:99');
  expect(text).not.toContain('password:session');
  expect(text.length).toBeLessThan(100 * 1_000);
});

test('a full disk delays no response and is logged, and the guess counts until the process ends', async () => {
  const { store, log } = await openStore();
  await guess(store, 'alice');
  await fillDiskHalfway();
  for (let n = 0; n < 4; n++) expect(await guess(store, 'alice')).toBeUndefined();
  expect(await guess(store, 'alice')).toBe(900);
  expect(log.lines[0]).toMatchObject({
    level: 'warn',
    message: 'the count of a limit could not be stored: a crash would lose it',
  });
});
