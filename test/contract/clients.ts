// What every store must do with the deliveries of gateway clients and with reliability tests. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { ReliabilityTest } from '../../src/domain/seeds/model.ts';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';

const msisdn = '+237650000001';
const newTest = (id: number, startedAt: number): ReliabilityTest => ({ id, msisdn, startedAt });

export function clientContract(given: () => { readonly store: Store; readonly clock: FakeClock }): void {
  describe('delivering clients', () => {
    const client = (number: number, lastDeliveryAt: number) => ({ msisdn: `+${number}`, lastDeliveryAt });

    test('keeps the last delivery of each client, and lists the longest silent first', async () => {
      const { clients } = given().store;
      expect(await clients.list()).toEqual([]);
      await clients.record([client(1, 10), client(2, 20)]);
      await clients.record([client(1, 30), client(2, 15), client(3, 25)]);
      expect(await clients.list()).toEqual([client(2, 20), client(3, 25), client(1, 30)]);
    });

    test('evicts the longest silent', async () => {
      const { clients } = given().store;
      await clients.record([1, 2, 3, 4, 5, 6].map((n) => client(n, n)));
      await clients.record([client(2, 7), client(7, 8)]);
      expect((await clients.list()).map((each) => each.msisdn)).toEqual(['+4', '+5', '+6', '+2', '+7']);
    });
  });

  describe('reliability tests', () => {
    const idsOf = async (number = msisdn) => (await given().store.tests.list(number)).map(({ id }) => id);

    test('adds an id once, and replaces only the test that was read', async () => {
      const { store, clock } = given();
      const first = newTest(1, clock.now());
      expect(await store.tests.get(1)).toBeUndefined();
      expect([await store.tests.add(first), await store.tests.add({ ...first, msisdn: '+1' })]).toEqual([
        true,
        false,
      ]);
      expect(await store.tests.get(1)).toEqual(first);
      const done = { ...first, sender: '+4', sentAt: 1, receivedAt: 2, routedAt: clock.now() };
      expect(await store.tests.replace(done, { ...first, sender: '+4' })).toBe(false);
      const both = [store.tests.replace(done, first), store.tests.replace({ ...done, sentAt: 9 }, first)];
      expect(await Promise.all(both)).toEqual([true, false]);
      expect(await store.tests.list(msisdn)).toEqual([done]);
      expect(await store.tests.replace(done, newTest(2, 1))).toBe(false);
    });

    test('lists the tests of one client, the newest first, without cancelled ones', async () => {
      const { store, clock } = given();
      for (const id of [11, 12, 13]) await store.tests.add(newTest(id, clock.now() + id));
      await store.tests.add({ ...newTest(14, clock.now()), msisdn: `${msisdn}1` });
      await store.tests.replace(
        { ...newTest(12, clock.now() + 12), cancelled: true },
        newTest(12, clock.now() + 12),
      );
      expect(await idsOf()).toEqual([13, 11]);
      expect(await idsOf(`${msisdn}1`)).toEqual([14]);
      expect(await idsOf('+')).toEqual([]);
      expect(await store.tests.get(12)).toMatchObject({ cancelled: true });
    });

    test('counts tests that arrived in time, and those that can no longer do so', async () => {
      const { store, clock } = given();
      const now = clock.now();
      const other = `${msisdn}1`;
      await store.tests.add({ ...newTest(1, now - 50_000), routedAt: now });
      await store.tests.add(newTest(2, now - 40_000));
      await store.tests.add(newTest(3, now));
      await store.tests.add({ ...newTest(4, now), routedAt: now + 1 });
      await store.tests.add({ ...newTest(5, now - 40_000), cancelled: true });
      await store.tests.add({ ...newTest(6, now - 40_000), msisdn: other, routedAt: now + 180_000 });
      const count = (since: number) =>
        store.tests.count([msisdn, '+9', other], { since, decidedBefore: now - 10_000 });
      expect(await count(now - 50_000)).toEqual([
        { decided: 3, inTime: 2 },
        { decided: 0, inTime: 0 },
        { decided: 1, inTime: 0 },
      ]);
      expect((await count(now - 49_999))[0]).toEqual({ decided: 2, inTime: 1 });
      expect(await store.tests.count([], { since: 0, decidedBefore: now })).toEqual([]);
    });

    test('evicts the oldest tests of a client and of all, and those that have expired', async () => {
      const { store, clock } = given();
      for (let id = 1; id <= 7; id++) await store.tests.add(newTest(id, clock.now() + id));
      expect(await idsOf()).toEqual([7, 6, 5, 4, 3]);
      expect(await store.tests.get(2)).toBeUndefined();
      for (let id = 20; id < 40; id++) {
        await store.tests.add({ ...newTest(id, clock.now() + id), msisdn: `+${id}` });
      }
      expect(await idsOf()).toEqual([]);
      expect(await idsOf('+39')).toEqual([39]);
      clock.advance(120_000);
      await store.tests.add(newTest(50, clock.now()));
      expect(await store.tests.get(20)).toBeUndefined();
      expect(await idsOf()).toEqual([50]);
    });
  });
}
