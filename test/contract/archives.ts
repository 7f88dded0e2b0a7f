// What every durable store must export and restore. Run for the lowdb and Redis stores by archive.test.ts.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import { type ArchivedRecord, idOf, type StoreArchive } from '../../src/store/archive/archive.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { linesOf, randomStore } from '../support/archives.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { messageOf, nextOf, waitingSms } from '../support/outgoing-messages.ts';
import { disconnectOf } from './disconnects.ts';
import { entry, waiting } from './outboxes.ts';
import { seed, storeOptions, user } from './store.ts';

/** One location of a store, which can be opened repeatedly. */
interface Place {
  archive(): Promise<StoreArchive>;
  store(): Promise<Store>;
}

/** A new, empty location. */
export type OpenPlace = (options: StoreOptions & { readonly clock: FakeClock }) => Place;

/** Opens a store and closes it at the end of the test. */
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
    // In order and concurrently, as `store import` does.
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
    test('exports all stored records, and none that has expired', async () => {
      const { clock, place } = newPlace();
      const outgoing = messageOf(clock.now() + 30_000);
      await using(place.store, async (store) => {
        await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
        await store.users.put(user);
        await store.inbound.put(waiting('early', 1));
        await store.inbound.put({ ...entry, id: 'lost', dueAt: null });
        await store.callbacks.put({ ...entry, id: 'call', content: { url: 'u', body: 'b' } });
        await store.receipts.put('old', { reply: 'published', history: [] });
        await store.disconnects.add(disconnectOf(clock.now() - 1));
        clock.advance(30_000);
        await store.receipts.put('new', { reply: 'accepted', history: [] });
        await store.responses.put('response', { request: 'r', body: 'b' });
        await store.clients.record([{ msisdn: '+1', lastDeliveryAt: 5 }]);
        await store.tests.add({ id: 7, msisdn: '+1', startedAt: clock.now(), sender: '+2' });
        for (const ageMs of [31_000, 0]) await store.disconnects.add(disconnectOf(clock.now() - ageMs));
        await store.disconnects.add(disconnectOf(clock.now(), { outcome: 'refused' }));
        await store.messages.add([messageOf(clock.now() - 31_000), outgoing]);
        await store.waitingSms.put(waitingSms);
        clock.advance(20_000);
        // The claim is not exported: the entry waits.
        expect(await store.inbound.claim(10, 1)).toEqual(['early']);
        if (name === 'Redis') {
          const lines = await using(place.archive, linesOf);
          expect(lines.sorted).toContain(JSON.stringify({ kind: 'inbound', record: waiting('early', 1) }));
        }
      });
      clock.advance(10_000);
      await using(place.archive, async (archive) => {
        const counts = { seeds: 1, users: 1, inbound: 2, callbacks: 1, receipts: 1, responses: 0 };
        expect(await archive.count()).toEqual({
          ...counts,
          clients: 1,
          tests: 1,
          disconnects: 2,
          messages: 1,
          waitingSms: 1,
        });
        const records: ArchivedRecord[] = [];
        for await (const record of archive.records()) records.push(record);
        const at = clock.now();
        expect(records).toContainEqual({
          kind: 'receipts',
          key: 'new',
          until: at + 30_000,
          record: { reply: 'accepted', history: [] },
        });
        expect(records).toContainEqual({ kind: 'users', record: user });
        expect(records).toContainEqual({ kind: 'seeds', record: { ...seed, lps: (at - 60_000) / 1_000 } });
        expect(records).toContainEqual({ kind: 'clients', record: { msisdn: '+1', lastDeliveryAt: 5 } });
        expect(records).toContainEqual({ kind: 'messages', record: outgoing });
        expect(records).toContainEqual({ kind: 'waitingSms', record: waitingSms });
        expect(records).toHaveLength(12);
      });
    });

    test('serves restored records for their remaining time', async () => {
      const { clock, place } = newPlace();
      const now = clock.now();
      const active = { ...seed, lps: now / 1_000 - 5 };
      const silent = { ...seed, imsi: '624010000000002', lps: now / 1_000 - 100 };
      await restoreAll(place, [
        { kind: 'seeds', record: active },
        { kind: 'seeds', record: silent },
        { kind: 'users', record: user },
        { kind: 'inbound', record: waiting('due', now - 1) },
        { kind: 'inbound', record: { ...entry, id: 'lost', dueAt: null } },
        { kind: 'receipts', key: 'k', until: now + 1_000, record: { reply: 'published', history: [] } },
        // Longer than this store's time to live.
        { kind: 'responses', key: 'a', until: now + 10 ** 9, record: { request: 'r', body: 'b' } },
      ]);
      await using(place.store, async (store) => {
        expect(await store.seeds.active(20_000)).toEqual([active]);
        expect(await store.seeds.getActive(silent.imsi, 20_000)).toBeUndefined();
        expect(await store.seeds.get(silent.imsi)).toEqual(silent);
        expect(await store.users.get(user.userId)).toEqual(user);
        expect(await store.inbound.count()).toEqual({ waiting: 1, deadLetters: 1 });
        expect(await store.inbound.claim(now, 9)).toEqual(['due']);
        expect((await store.inbound.deadLetters(9)).map(({ id }) => id)).toEqual(['lost']);
        clock.advance(999);
        expect(await store.receipts.get('k')).toEqual({ reply: 'published', history: [] });
        clock.advance(1);
        expect(await store.receipts.get('k')).toBeUndefined();
        clock.advance(28_999);
        expect(await store.responses.get('a')).toEqual({ request: 'r', body: 'b' });
        clock.advance(1);
        expect(await store.responses.get('a')).toBeUndefined();
      });
    });

    test('keeps the activity of seeds, whatever expiry the restoring store is configured with', async () => {
      const { clock, options } = newPlace();
      const hourMs = 3_600_000;
      const seeds = { activeMs: 1_000, maxRegistered: 200 };
      const place = openPlace({ ...options, seeds });
      const silent = { ...seed, lps: clock.now() / 1_000 - 600 };
      await restoreAll(place, [{ kind: 'seeds', record: silent }]);
      seeds.activeMs = hourMs;
      await using(place.store, async (store) => {
        expect(await store.seeds.active(hourMs)).toEqual([silent]);
        clock.advance(hourMs - 600_000 + 1);
        expect(await store.seeds.active(hourMs)).toEqual([]);
      });
    });

    test('replaces the record with the same id, also one that the store has already served', async () => {
      const { clock, place } = newPlace();
      const later = { ...user, sharedKey: 'f'.repeat(32) };
      const silent = { ...seed, msisdn: '+237650000009' };
      const outgoing = messageOf(clock.now());
      await using(place.store, async (store) => {
        await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
        await store.users.put(user);
        await store.inbound.put(waiting('one', 1));
        await store.receipts.put('k', { reply: 'published', history: [] });
        await store.messages.add([outgoing]);
        await store.messages.replaceAll([nextOf(outgoing, { state: 'sent' })]);
      });
      const until = clock.now() + 5_000;
      const records: ArchivedRecord[] = [
        { kind: 'seeds', record: silent },
        { kind: 'users', record: later },
        { kind: 'inbound', record: { ...waiting('one', 1), dueAt: null } },
        { kind: 'receipts', key: 'k', until, record: { reply: 'accepted', history: [] } },
        { kind: 'messages', record: outgoing },
      ];
      // Repeated, because a second restore must change nothing.
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
        expect(await store.inbound.count()).toEqual({ waiting: 0, deadLetters: 1 });
      });
    });

    test('exports disconnects with the oldest first, because a folder evicts what it took first', async () => {
      const { clock, place } = newPlace();
      const records = [5, 1, 9, 3, 7].map((ms): ArchivedRecord => {
        return { kind: 'disconnects', record: disconnectOf(clock.now() - ms) };
      });
      await restoreAll(place, records);
      await using(place.archive, async (archive) => {
        const ids: string[] = [];
        for await (const item of archive.records()) ids.push(idOf(item));
        expect(ids).toEqual(records.map(idOf).toSorted());
      });
    });

    test('rejects records that exceed the limits of the store', async () => {
      const { options, place } = newPlace();
      const { max } = options.callbacks;
      const records = Array.from({ length: max + 1 }, (_, n): ArchivedRecord => {
        return { kind: 'callbacks', record: { ...entry, id: `c${n}`, content: { url: 'u', body: 'b' } } };
      });
      await expect(restoreAll(place, records)).rejects.toThrow('[outgoing] max_callbacks');
    });
  });
}

/** A round trip from one store to the other leaves every record the same, byte for byte. */
export function roundTrip(name: string, openOne: OpenPlace, openOther: OpenPlace): void {
  test(`${name} and back preserves every byte`, async () => {
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
          const exported: ArchivedRecord[] = [];
          await using(from.archive, async (archive) => {
            for await (const record of archive.records()) exported.push(record);
          });
          await restoreAll(to, exported);
          expect(await using(to.archive, linesOf)).toEqual(lines);
          from = to;
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);
}
