// What every store must do, whatever its back end. Each adapter's test runs this suite.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PairedUser, SessionPhone } from '../../src/domain/pairing/model.ts';
import type { Seed } from '../../src/domain/seeds/model.ts';
import type { Store } from '../../src/domain/store.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { clientContract } from './clients.ts';
import { disconnectContract } from './disconnects.ts';
import { limitContract } from './limits.ts';
import { messageLifetimeContract } from './message-lifetimes.ts';
import { monitoringContract } from './monitoring.ts';
import { outboxContract } from './outboxes.ts';
import { outgoingMessageContract } from './outgoing-messages.ts';
import { passwordClaimContract } from './password-claims.ts';
import { sessionBoundContract } from './session-bounds.ts';
import { sessionRaceContract } from './session-races.ts';
import { sessionContract } from './sessions.ts';
import { ttlStoreContract } from './ttl-stores.ts';
import { userListContract } from './user-lists.ts';

export const seed: Seed = { imsi: '624010000000001', msisdn: '+237650000001', seedType: 'seed', lps: 1 };
export const user: PairedUser = {
  userId: 'dead3662',
  sessionId: 'a'.repeat(32),
  publicKey: 'a key',
  sharedKey: '0123456789abcdef0123456789abcdef',
  pairedAt: 1_648_206_122.8,
  passwordDigests: ['d1', 'd2'],
  formerKeys: [{ sharedKey: 'e'.repeat(32), replacedAt: 1_648_206_000.5 }],
  revokedKeys: ['d3'],
};
export const phone: SessionPhone = { publicKey: 'phone key', sharedKey: 'f'.repeat(32) };

/** Registrations in `storeOptions`. */
export const maxSeeds = 40;

/** Options with limits that a test can reach. */
export function storeOptions(clock: FakeClock): StoreOptions {
  return {
    clock,
    log: createMemoryLog(),
    sessions: { openTtlMs: 15_000, pausedTtlMs: 120_000, pairedTtlMs: 60_000, maxOpen: 150 },
    seeds: { activeMs: 20_000, maxRegistered: maxSeeds },
    clients: { max: 5 },
    tests: { ttlMs: 60_000, max: 20, maxPerClient: 5 },
    disconnects: { ttlMs: 60_000, max: 40, maxUntrusted: 20 },
    inbound: { max: 40 },
    receipts: { ttlMs: 60_000, max: 100 },
    callbacks: { max: 20 },
    messages: { ttlMs: 60_000, max: 30 },
    waitingSms: { max: 5 },
    responses: { ttlMs: 30_000, max: 50, maxCharacters: 1_000 },
    signOuts: { ttlMs: 60_000, max: 20 },
    monitoring: { maxNodes: 3, nodeTtlMs: 60_000, historyTtlMs: 120_000 },
  };
}

/** `open` returns a new, empty store; the suite closes it. */
export function storeContract(name: string, open: (options: StoreOptions) => Promise<Store>): void {
  describe(`${name} store`, () => {
    let clock: FakeClock;
    let store: Store;
    beforeEach(async () => {
      clock = createFakeClock();
      store = await open(storeOptions(clock));
    });
    afterEach(() => store.close());

    sessionContract(() => ({ clock, store }), open);
    sessionBoundContract(() => ({ clock, store }));
    sessionRaceContract(() => ({ store }));
    clientContract(() => ({ clock, store }));
    disconnectContract(() => ({ clock, store }));
    limitContract(() => ({ clock, store }));
    passwordClaimContract(() => ({ clock, store }));
    ttlStoreContract(() => ({ clock, store }));
    outgoingMessageContract(() => ({ clock, store }));
    messageLifetimeContract(() => ({ clock, store }));
    monitoringContract(() => ({ clock, store }));
    outboxContract(() => ({ store }), open);
    userListContract(user, () => ({ store }));

    describe('seeds', () => {
      const activeImsis = async (ageMs = 20_000) => (await store.seeds.active(ageMs)).map(({ imsi }) => imsi);
      const numbered = (n: number): Seed => ({ ...seed, imsi: `62401${n}` });

      test('a ping registers an unknown IMSI', async () => {
        expect(await store.seeds.get(seed.imsi)).toBeUndefined();
        expect(await store.seeds.active(20_000)).toEqual([]);
        await store.seeds.ping(seed);
        expect(await store.seeds.get(seed.imsi)).toEqual(seed);
        expect(await store.seeds.getActive(seed.imsi, 20_000)).toEqual(seed);
        expect(await store.seeds.active(20_000)).toEqual([seed]);
      });

      test('a ping of a known IMSI renews LPS, MSISDN and type, and does not list it twice', async () => {
        await store.seeds.ping(seed);
        await store.seeds.ping({ ...seed, lps: 2 });
        expect(await store.seeds.active(20_000)).toEqual([{ ...seed, lps: 2 }]);
        const moved: Seed = { ...seed, msisdn: '+237650000009', seedType: 'seeder', lps: 3 };
        await store.seeds.ping(moved);
        expect(await store.seeds.active(20_000)).toEqual([moved]);
        expect(await store.seeds.get(seed.imsi)).toEqual(moved);
      });

      test('Q4: a seed is active when its ping is 19.9 s or just 20 s old, and is not at 20.1 s', async () => {
        await store.seeds.ping(seed);
        clock.advance(19_900);
        expect(await activeImsis()).toEqual([seed.imsi]);
        clock.advance(100);
        expect(await activeImsis()).toEqual([seed.imsi]);
        expect(await store.seeds.getActive(seed.imsi, 20_000)).toEqual(seed);
        clock.advance(100);
        expect(await activeImsis()).toEqual([]);
        expect(await store.seeds.getActive(seed.imsi, 20_000)).toBeUndefined();
      });

      test('Q4: setting the wall clock an hour back or ahead neither revives nor hides a seed', async () => {
        await store.seeds.ping(seed);
        clock.setWall(clock.now() + 3_600_000);
        expect(await activeImsis()).toEqual([seed.imsi]);
        clock.advance(20_100);
        clock.setWall(clock.now() - 7_200_000);
        expect(await activeImsis()).toEqual([]);
        expect(await store.seeds.getActive(seed.imsi, 20_000)).toBeUndefined();
      });

      test('each ping restarts the activity period, and callers can request a shorter age', async () => {
        await store.seeds.ping(numbered(1));
        await store.seeds.ping(numbered(2));
        clock.advance(15_000);
        await store.seeds.ping(numbered(1));
        clock.advance(10_000);
        expect(await activeImsis()).toEqual([numbered(1).imsi]);
        expect(await activeImsis(10_000)).toEqual([numbered(1).imsi]);
        expect(await activeImsis(9_999)).toEqual([]);
        expect(await store.seeds.getActive(numbered(1).imsi, 9_999)).toBeUndefined();
      });

      test('a ping returns the time since the one before, also of a seed that is no longer active', async () => {
        const ping = async () => store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
        expect(await ping()).toBeUndefined();
        clock.advance(5_000);
        expect(await ping()).toBeCloseTo(5_000, 0);
        clock.advance(3_600_000);
        expect(await ping()).toBeCloseTo(3_600_000, 0);
      });

      test('rejects an age beyond the retained period instead of answering wrongly', async () => {
        await expect(async () => store.seeds.active(20_001)).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(store.seeds.getActive(seed.imsi, 20_001)).rejects.toMatchObject({ code: 'INTERNAL' });
      });

      test('still knows a seed that is no longer active, which can become active again', async () => {
        await store.seeds.ping(seed);
        clock.advance(3_600_000);
        expect(await activeImsis()).toEqual([]);
        expect(await store.seeds.get(seed.imsi)).toEqual(seed);
        await store.seeds.ping({ ...seed, lps: 9 });
        expect(await store.seeds.active(20_000)).toEqual([{ ...seed, lps: 9 }]);
      });

      test('L8: a new IMSI above the limit evicts the seed that has been silent longest; the others can still ping', async () => {
        for (let n = 0; n < maxSeeds; n++) {
          await store.seeds.ping({ ...numbered(n), lps: clock.now() / 1_000 });
          clock.advance(10);
        }
        await store.seeds.ping({ ...numbered(0), lps: clock.now() / 1_000 });
        expect(await store.seeds.usage()).toEqual({ registered: maxSeeds, evicted: 0 });
        await store.seeds.ping(numbered(maxSeeds));
        expect(await store.seeds.usage()).toEqual({ registered: maxSeeds, evicted: 1 });
        expect(await store.seeds.get(numbered(0).imsi)).toBeDefined();
        expect(await store.seeds.get(numbered(1).imsi)).toBeUndefined();
        expect(await store.seeds.get(numbered(maxSeeds).imsi)).toBeDefined();
        expect(await activeImsis()).not.toContain(numbered(1).imsi);
        clock.advance(60_000);
        await store.seeds.ping(numbered(7));
        expect(await activeImsis()).toEqual([numbered(7).imsi]);
      });

      test('Q5: enforces the limit for concurrent new IMSIs', async () => {
        const pings = Array.from({ length: 2 * maxSeeds }, (_, n) => store.seeds.ping(numbered(n)));
        await Promise.allSettled(pings);
        expect((await store.seeds.usage()).registered).toBe(maxSeeds);
        expect(await activeImsis()).toHaveLength(maxSeeds);
      });

      test('100 concurrent pings of one new IMSI register it once', async () => {
        await Promise.all(Array.from({ length: 100 }, (_, n) => store.seeds.ping({ ...seed, lps: n })));
        expect(await activeImsis()).toEqual([seed.imsi]);
        for (let n = 1; n < maxSeeds; n++) await store.seeds.ping(numbered(n));
        expect(await store.seeds.usage()).toEqual({ registered: maxSeeds, evicted: 0 });
      });
    });

    describe('users', () => {
      test('returns a user as it was last put', async () => {
        expect(await store.users.get(user.userId)).toBeUndefined();
        expect(await store.users.getDurable(user.userId)).toBeUndefined();
        await store.users.put(user);
        expect(await store.users.get(user.userId)).toEqual(user);
        expect(await store.users.getDurable(user.userId)).toEqual(user);
        await store.users.put({ ...user, sharedKey: 'other', passwordDigests: [] });
        expect(await store.users.get(user.userId)).toEqual({
          ...user,
          sharedKey: 'other',
          passwordDigests: [],
        });
      });

      test('replaces a user only while the record is unchanged', async () => {
        const other = { ...user, sharedKey: 'other' };
        expect(await store.users.replace(user, other)).toBe(false);
        expect(await store.users.replace(user, undefined)).toBe(true);
        expect(await store.users.replace(other, undefined)).toBe(false);
        const read = await store.users.get(user.userId);
        const both = [store.users.replace(other, read), store.users.replace({ ...user, pairedAt: 1 }, read)];
        expect(await Promise.all(both)).toEqual([true, false]);
        expect(await store.users.get(user.userId)).toEqual(other);
      });

      test.each(['../../etc/passwd', 'a/b', '', '__proto__', 'é\u0000\n', 'x'.repeat(5_000)])(
        'accepts %j as a user id',
        async (userId) => {
          await store.users.put({ ...user, userId });
          expect(await store.users.get(userId)).toEqual({ ...user, userId });
          expect(await store.users.get(user.userId)).toBeUndefined();
        },
      );

      test('keeps the last of 100 concurrent puts', async () => {
        await Promise.all(
          Array.from({ length: 100 }, (_, n) => store.users.put({ ...user, sharedKey: `key ${n}` })),
        );
        expect((await store.users.get(user.userId))?.sharedKey).toBe('key 99');
      });
    });

    test('closing is idempotent', async () => {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });
  });
}
