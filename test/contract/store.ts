// What every store must do, whatever it keeps its data in. Each adapter's test runs this suite.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PairedUser, Seed, SessionPhone } from '../../src/domain/model.ts';
import type { Store } from '../../src/domain/ports.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { memoContract } from './memos.ts';
import { outboxContract } from './outboxes.ts';
import { sessionContract } from './sessions.ts';

export const seed: Seed = { imsi: '624010000000001', msisdn: '+237650000001', seedType: 'seed', lps: 1 };
export const user: PairedUser = {
  userId: 'dead3662',
  sessionId: 'a'.repeat(32),
  publicKey: 'a key',
  sharedKey: '0123456789abcdef0123456789abcdef',
  pairedAt: 1_648_206_122.8,
  passwordDigests: ['d1', 'd2'],
};
export const phone: SessionPhone = { publicKey: 'phone key', sharedKey: 'f'.repeat(32) };

/** Options with bounds that a test can reach. */
export function storeOptions(clock: FakeClock): StoreOptions {
  return {
    clock,
    log: createMemoryLog(),
    sessions: { openTtlMs: 15_000, pausedTtlMs: 120_000, pairedTtlMs: 60_000, maxOpen: 150 },
    seeds: { activeMs: 20_000, maxRegistered: 200 },
    inbound: { max: 40 },
    published: { rememberMs: 60_000, max: 100 },
    callbacks: { max: 20 },
    answers: { rememberMs: 30_000, max: 50, maxCharacters: 1_000 },
  };
}

/** `open` gives a new, empty store; the suite closes it. */
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
    memoContract(() => ({ clock, store }));
    outboxContract(() => ({ store }), open);

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

      test('Q4: a clock set back or forth by an hour neither revives nor hides a seed', async () => {
        await store.seeds.ping(seed);
        clock.setWall(clock.now() + 3_600_000);
        expect(await activeImsis()).toEqual([seed.imsi]);
        clock.advance(20_100);
        clock.setWall(clock.now() - 7_200_000);
        expect(await activeImsis()).toEqual([]);
        expect(await store.seeds.getActive(seed.imsi, 20_000)).toBeUndefined();
      });

      test('each ping starts the time anew, and a shorter age than the whole can be asked for', async () => {
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

      test('an age that the store does not keep is refused, not answered wrongly', async () => {
        await expect(async () => store.seeds.active(20_001)).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(store.seeds.getActive(seed.imsi, 20_001)).rejects.toMatchObject({ code: 'INTERNAL' });
      });

      test('a seed that is no longer active is still known, and can come back', async () => {
        await store.seeds.ping(seed);
        clock.advance(3_600_000);
        expect(await activeImsis()).toEqual([]);
        expect(await store.seeds.get(seed.imsi)).toEqual(seed);
        await store.seeds.ping({ ...seed, lps: 9 });
        expect(await store.seeds.active(20_000)).toEqual([{ ...seed, lps: 9 }]);
      });

      test('Q5: one IMSI above the bound is refused by name; the known ones still ping', async () => {
        for (let n = 0; n < 200; n++) await store.seeds.ping(numbered(n));
        const refused = store.seeds.ping(numbered(200));
        await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await expect(refused).rejects.toThrow('[seeds] max_registered');
        expect(await store.seeds.get(numbered(200).imsi)).toBeUndefined();
        clock.advance(60_000);
        await store.seeds.ping(numbered(7));
        expect(await activeImsis()).toEqual([numbered(7).imsi]);
      });

      test('Q5: many new IMSIs at once do not pass the bound together', async () => {
        const pings = Array.from({ length: 300 }, (_, n) => store.seeds.ping(numbered(n)));
        const results = await Promise.allSettled(pings);
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(200);
        expect(await activeImsis()).toHaveLength(200);
      });

      test('100 pings of one new IMSI at once register it once', async () => {
        await Promise.all(Array.from({ length: 100 }, (_, n) => store.seeds.ping({ ...seed, lps: n })));
        expect(await activeImsis()).toEqual([seed.imsi]);
        for (let n = 1; n < 200; n++) await store.seeds.ping(numbered(n));
        await expect(store.seeds.ping(numbered(200))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      });
    });

    describe('users', () => {
      test('a user is as it was put, and the last put counts', async () => {
        expect(await store.users.get(user.userId)).toBeUndefined();
        await store.users.put(user);
        expect(await store.users.get(user.userId)).toEqual(user);
        await store.users.put({ ...user, sharedKey: 'other', passwordDigests: [] });
        expect(await store.users.get(user.userId)).toEqual({
          ...user,
          sharedKey: 'other',
          passwordDigests: [],
        });
      });

      test.each(['../../etc/passwd', 'a/b', '', '__proto__', 'é\u0000\n', 'x'.repeat(5_000)])(
        'the user id %j is a user like another',
        async (userId) => {
          await store.users.put({ ...user, userId });
          expect(await store.users.get(userId)).toEqual({ ...user, userId });
          expect(await store.users.get(user.userId)).toBeUndefined();
        },
      );

      test('of 100 puts at once the last one given stays', async () => {
        await Promise.all(
          Array.from({ length: 100 }, (_, n) => store.users.put({ ...user, sharedKey: `key ${n}` })),
        );
        expect((await store.users.get(user.userId))?.sharedKey).toBe('key 99');
      });
    });

    describe('limits', () => {
      const limit = { count: 3, windowMs: 60_000 };
      const take = () => store.limits.take('key', limit);

      test('so many events are allowed in a window, the next is told how many seconds to wait', async () => {
        expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
        expect(await take()).toBe(60);
        clock.advance(58_500);
        expect(await take()).toBe(2);
        clock.advance(1_499);
        expect(await take()).toBe(1);
      });

      test('the first event opens the window, and it ends as long after that', async () => {
        clock.advance(59_000);
        await take();
        clock.advance(30_000);
        await take();
        await take();
        clock.advance(29_999);
        expect(await take()).toBe(1);
        clock.advance(1);
        expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
        expect(await take()).toBe(60);
      });

      test('a refused event does not count', async () => {
        for (let n = 0; n < 10; n++) await take();
        clock.advance(60_000);
        expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
      });

      test('an event that is given back is allowed again', async () => {
        for (let n = 0; n < 3; n++) await take();
        await store.limits.giveBack('key', limit);
        expect(await take()).toBe(0);
        expect(await take()).toBe(60);
      });

      test('a window whose only event is given back was never opened', async () => {
        await take();
        clock.advance(30_000);
        await store.limits.giveBack('key', limit);
        for (let n = 0; n < 3; n++) await take();
        expect(await take()).toBe(60);
      });

      test('giving back more than was taken, or after the window, earns nothing', async () => {
        await store.limits.giveBack('key', limit);
        await take();
        for (let n = 0; n < 5; n++) await store.limits.giveBack('key', limit);
        expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
        clock.advance(60_000);
        await store.limits.giveBack('key', limit);
        expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
        expect(await take()).toBe(60);
      });

      test('peeking says what taking would, and does not count', async () => {
        for (let n = 0; n < 9; n++) expect(await store.limits.peek('key', limit)).toBe(0);
        for (let n = 0; n < 3; n++) await take();
        expect(await store.limits.peek('key', limit)).toBe(60);
        clock.advance(60_000);
        expect(await store.limits.peek('key', limit)).toBe(0);
        expect(await store.limits.peek('key', 'off')).toBe(0);
      });

      test('keys are counted apart', async () => {
        for (let n = 0; n < 3; n++) await take();
        expect(await store.limits.take('other', limit)).toBe(0);
      });

      test('off allows everything', async () => {
        for (let n = 0; n < 100; n++) expect(await store.limits.take('key', 'off')).toBe(0);
        await store.limits.giveBack('key', 'off');
      });

      test('wall time that is set back or forth neither frees nor blocks', async () => {
        for (let n = 0; n < 3; n++) await take();
        clock.setWall(clock.now() + 3_600_000);
        expect(await take()).toBe(60);
        clock.setWall(clock.now() - 7_200_000);
        clock.advance(60_000);
        expect(await take()).toBe(0);
      });
    });

    test('closing twice is closing once', async () => {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });
  });
}
