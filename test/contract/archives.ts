// What every durable store must tell of itself and take back. Run for the lowdb and Redis stores by archive.test.ts.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/ports.ts';
import type { ArchivedRecord, StoreArchive } from '../../src/store/archive.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { linesOf, randomStore } from '../support/archives.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { parcel, waiting } from './outboxes.ts';
import { seed, storeOptions, user } from './store.ts';

/** One place that a store can be in, opened again and again. */
interface Place {
  archive(): Promise<StoreArchive>;
  store(): Promise<Store>;
}

/** A new, empty place. */
export type OpenPlace = (options: StoreOptions & { readonly clock: FakeClock }) => Place;

/** Closes what it opens. */
async function using<T, R>(
  open: () => Promise<T & { close(): Promise<void> }>,
  work: (opened: T) => Promise<R>,
): Promise<R> {
  const opened = await open();
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

async function restoreAll(place: Place, records: readonly ArchivedRecord[]): Promise<void> {
  await using(place.archive, async (archive) => {
    // In their order, and many at once, as `store import` does.
    await Promise.all(records.map((record) => archive.restore(record)));
  });
}

export function archiveContract(name: string, openPlace: OpenPlace): void {
  const newPlace = () => {
    const clock = createFakeClock();
    const options = { ...storeOptions(clock), clock };
    return { clock, options, place: openPlace(options) };
  };

  describe(`${name} archive`, () => {
    test('tells what was served, and nothing that is over', async () => {
      const { clock, place } = newPlace();
      await using(place.store, async (store) => {
        await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
        await store.users.put(user);
        await store.inbound.put(waiting('early', 1));
        await store.inbound.put({ ...parcel, id: 'lost', dueAt: null });
        await store.callbacks.put({ ...parcel, id: 'call', content: { url: 'u', body: 'b' } });
        await store.published.put('old', { answer: 'published', life: [] });
        clock.advance(30_000);
        await store.published.put('new', { answer: 'accepted', life: [] });
        await store.answers.put('answer', { request: 'r', body: 'b' });
        clock.advance(20_000);
        // Which is not carried: the parcel waits.
        expect(await store.inbound.claim(10, 1)).toEqual(['early']);
        if (name === 'Redis') {
          const lines = await using(place.archive, linesOf);
          expect(lines.sorted).toContain(JSON.stringify({ kind: 'inbound', record: waiting('early', 1) }));
        }
      });
      clock.advance(10_000);
      await using(place.archive, async (archive) => {
        const counts = { seeds: 1, users: 1, inbound: 2, callbacks: 1, published: 1, answers: 0 };
        expect(await archive.count()).toEqual({ ...counts, answers: 0 });
        const records: ArchivedRecord[] = [];
        for await (const record of archive.records()) records.push(record);
        const at = clock.now();
        expect(records).toContainEqual({
          kind: 'published',
          key: 'new',
          until: at + 30_000,
          record: { answer: 'accepted', life: [] },
        });
        expect(records).toContainEqual({ kind: 'users', record: user });
        expect(records).toContainEqual({ kind: 'seeds', record: { ...seed, lps: (at - 60_000) / 1_000 } });
        expect(records).toHaveLength(6);
      });
    });

    test('what is restored is served, for the time that it has left', async () => {
      const { clock, place } = newPlace();
      const now = clock.now();
      const active = { ...seed, lps: now / 1_000 - 5 };
      const quiet = { ...seed, imsi: '624010000000002', lps: now / 1_000 - 100 };
      await restoreAll(place, [
        { kind: 'seeds', record: active },
        { kind: 'seeds', record: quiet },
        { kind: 'users', record: user },
        { kind: 'inbound', record: waiting('due', now - 1) },
        { kind: 'inbound', record: { ...parcel, id: 'lost', dueAt: null } },
        { kind: 'published', key: 'k', until: now + 1_000, record: { answer: 'published', life: [] } },
        // Longer than it would be remembered here.
        { kind: 'answers', key: 'a', until: now + 10 ** 9, record: { request: 'r', body: 'b' } },
      ]);
      await using(place.store, async (store) => {
        expect(await store.seeds.active(20_000)).toEqual([active]);
        expect(await store.seeds.getActive(quiet.imsi, 20_000)).toBeUndefined();
        expect(await store.seeds.get(quiet.imsi)).toEqual(quiet);
        expect(await store.users.get(user.userId)).toEqual(user);
        expect(await store.inbound.count()).toEqual({ waiting: 1, failed: 1 });
        expect(await store.inbound.claim(now, 9)).toEqual(['due']);
        expect((await store.inbound.failed(9)).map(({ id }) => id)).toEqual(['lost']);
        clock.advance(999);
        expect(await store.published.get('k')).toEqual({ answer: 'published', life: [] });
        clock.advance(1);
        expect(await store.published.get('k')).toBeUndefined();
        clock.advance(28_999);
        expect(await store.answers.get('a')).toEqual({ request: 'r', body: 'b' });
        clock.advance(1);
        expect(await store.answers.get('a')).toBeUndefined();
      });
    });

    test('a record replaces that of the same id, also one that a store has served', async () => {
      const { clock, place } = newPlace();
      const later = { ...user, sharedKey: 'f'.repeat(32) };
      const quiet = { ...seed, msisdn: '+237650000009' };
      await using(place.store, async (store) => {
        await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
        await store.users.put(user);
        await store.inbound.put(waiting('one', 1));
        await store.published.put('k', { answer: 'published', life: [] });
      });
      const until = clock.now() + 5_000;
      const records: ArchivedRecord[] = [
        { kind: 'seeds', record: quiet },
        { kind: 'users', record: later },
        { kind: 'inbound', record: { ...waiting('one', 1), dueAt: null } },
        { kind: 'published', key: 'k', until, record: { answer: 'accepted', life: [] } },
      ];
      // Twice: the second time changes nothing.
      for (let n = 0; n < 2; n++) {
        await restoreAll(place, records);
        await using(place.archive, async (archive) => {
          const { sorted } = await linesOf(archive);
          expect(sorted).toEqual(records.map((record) => JSON.stringify(record)).toSorted());
          for (const record of records) expect(await archive.find(record)).toEqual(record);
        });
      }
      await using(place.store, async (store) => {
        expect(await store.seeds.active(20_000)).toEqual([]);
        expect(await store.inbound.count()).toEqual({ waiting: 0, failed: 1 });
      });
    });

    test('what finds no room is refused', async () => {
      const { options, place } = newPlace();
      const { max } = options.callbacks;
      const records = Array.from({ length: max + 1 }, (_, n): ArchivedRecord => {
        return { kind: 'callbacks', record: { ...parcel, id: `c${n}`, content: { url: 'u', body: 'b' } } };
      });
      await expect(restoreAll(place, records)).rejects.toThrow('[outgoing] max_callbacks');
    });
  });
}

/** From one to the other and back, every record is the same byte for byte. */
export function roundTrip(name: string, openOne: OpenPlace, openOther: OpenPlace): void {
  test(`${name} and back gives the same bytes`, async () => {
    const clock = createFakeClock();
    const options = { ...storeOptions(clock), clock };
    await fc.assert(
      fc.asyncProperty(randomStore(clock.now()), async (records) => {
        const [one, other, back] = [openOne(options), openOther(options), openOne(options)];
        await restoreAll(one, records);
        const lines = await using(one.archive, linesOf);
        expect(lines.sorted).toEqual(records.map((record) => JSON.stringify(record)).toSorted());
        let from = one;
        for (const to of [other, back]) {
          const told: ArchivedRecord[] = [];
          await using(from.archive, async (archive) => {
            for await (const record of archive.records()) told.push(record);
          });
          await restoreAll(to, told);
          expect(await using(to.archive, linesOf)).toEqual(lines);
          from = to;
        }
      }),
      { numRuns: 30 },
    );
  }, 120_000);
}
