// What every store must do with the audit trail of disconnects. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import { type DisconnectRecord, recordIdOf } from '../../src/domain/wifi/audit-model.ts';
import type { FakeClock } from '../support/fake-clock.ts';

let made = 0;

/** A new record; ids of one millisecond are in the order of the calls. */
export function disconnectOf(at: number, changes: Partial<DisconnectRecord> = {}): DisconnectRecord {
  return {
    id: recordIdOf(at, (made++).toString(16).padStart(8, '0')),
    at,
    requestId: 'request-1',
    address: '192.0.2.1',
    outcome: 'disconnected',
    durationMs: 3,
    user: 'alice',
    sessionId: '5692549928996307964',
    nasIp: '100.112.0.1',
    vrf: '1',
    mac: 'FC-45-96-5F-50-AC',
    reports: [{ backend: 'pcrf', kind: 'disconnected', attempts: 1, durationMs: 2 }],
    ...changes,
  };
}

export function disconnectContract(given: () => { readonly store: Store; readonly clock: FakeClock }): void {
  describe('audited disconnects', () => {
    const add = async (...records: DisconnectRecord[]) => {
      for (const record of records) await given().store.disconnects.add(record);
      return records;
    };
    const idsOf = (records: readonly DisconnectRecord[]) => records.map(({ id }) => id);

    test('lists the newest first, over both kinds of outcomes, and finds each by its id', async () => {
      const { store, clock } = given();
      const now = clock.now();
      expect(await store.disconnects.list({}, { limit: 10 })).toEqual({ records: [] });
      const { user: _user, sessionId: _id, ...bare } = disconnectOf(now + 1, { outcome: 'refused' });
      const records = await add(
        disconnectOf(now),
        bare,
        disconnectOf(now + 2, { outcome: 'rejected', reason: 'no such session', verified: 'unknown' }),
      );
      expect((await store.disconnects.list({}, { limit: 10 })).records).toEqual(records.toReversed());
      for (const record of records) expect(await store.disconnects.get(record.id)).toEqual(record);
      expect(await store.disconnects.get(recordIdOf(now, 'ffffffff'))).toBeUndefined();
    });

    test('keeps the order of time when records arrive out of order, as after a change of the clock', async () => {
      const { store, clock } = given();
      const at = clock.now();
      const offsets = [5, 1, 9, 3, 7, 2, 8, 0, 4, 6];
      await add(...offsets.map((offset) => disconnectOf(at + offset)));
      const { records } = await store.disconnects.list({}, { limit: 20 });
      expect(records.map((record) => record.at - at)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    });

    test('pages through all records, each once', async () => {
      const { store, clock } = given();
      const added: DisconnectRecord[] = [];
      for (let n = 0; n < 14; n++) {
        added.push(disconnectOf(clock.now() + n, { outcome: n % 3 === 0 ? 'limited' : 'timeout' }));
      }
      await add(...added);
      const found: string[] = [];
      let before: string | undefined;
      do {
        const page = await store.disconnects.list({}, { limit: 4, ...(before !== undefined && { before }) });
        expect(page.records.length).toBeLessThanOrEqual(4);
        found.push(...idsOf(page.records));
        before = page.next;
      } while (before !== undefined);
      expect(found).toEqual(idsOf(added.toReversed()));
    });

    test('filters by time, MAC address, session, user and outcome', async () => {
      const { store, clock } = given();
      const now = clock.now();
      const [a, b, c, d] = await add(
        disconnectOf(now, { user: 'bob' }),
        disconnectOf(now + 1, { mac: '02-00-00-00-00-01' }),
        disconnectOf(now + 2, { sessionId: '7' }),
        disconnectOf(now + 3, { outcome: 'refused' }),
      );
      const found = async (filters: Parameters<Store['disconnects']['list']>[0]) =>
        idsOf((await store.disconnects.list(filters, { limit: 9 })).records);
      expect(await found({ user: 'bob' })).toEqual([a?.id]);
      expect(await found({ mac: '02-00-00-00-00-01' })).toEqual([b?.id]);
      expect(await found({ sessionId: '7' })).toEqual([c?.id]);
      expect(await found({ outcome: 'refused' })).toEqual([d?.id]);
      expect(await found({ since: now + 2 })).toEqual([d?.id, c?.id]);
      expect(await found({ user: 'bob', since: now + 1 })).toEqual([]);
    });

    test('keeps a bounded number, and refused requests never evict others', async () => {
      const { store, clock } = given();
      const kept = async (outcome: 'disconnected' | 'refused') =>
        (await store.disconnects.list({ outcome }, { limit: 100 })).records;
      const real: DisconnectRecord[] = [];
      for (let n = 0; n < 60; n++) real.push(...(await add(disconnectOf(clock.now() + n))));
      const before = await kept('disconnected');
      expect(before.length).toBeGreaterThan(30);
      expect(before.length).toBeLessThanOrEqual(40);
      expect(idsOf(before)).toEqual(idsOf(real.toReversed()).slice(0, before.length));
      for (let n = 0; n < 60; n++) await add(disconnectOf(clock.now() + n, { outcome: 'refused' }));
      const refused = await kept('refused');
      expect(refused.length).toBeGreaterThan(15);
      expect(refused.length).toBeLessThanOrEqual(20);
      expect(await kept('disconnected')).toEqual(before);
    });

    test('keeps a new record when the clock was set back by more than all of them span', async () => {
      const { store, clock } = given();
      const at = clock.now();
      for (let n = 0; n < 60; n++) await add(disconnectOf(at + n));
      for (const ms of [-3, -2, -1]) {
        const [record] = await add(disconnectOf(at + ms));
        expect(await store.disconnects.get(record?.id ?? '')).toEqual(record);
      }
      const { records } = await store.disconnects.list({}, { limit: 100 });
      expect(records.filter((record) => record.at >= at).length).toBeGreaterThan(30);
    });

    test('forgets records that are too old', async () => {
      const { store, clock } = given();
      const [old] = await add(disconnectOf(clock.now()));
      clock.advance(40_000);
      const [young] = await add(disconnectOf(clock.now()));
      expect(idsOf((await store.disconnects.list({}, { limit: 9 })).records)).toEqual([young?.id, old?.id]);
      clock.advance(20_001);
      expect(idsOf((await store.disconnects.list({}, { limit: 9 })).records)).toEqual([young?.id]);
      expect(await store.disconnects.get(old?.id ?? '')).toBeUndefined();
      expect(await store.disconnects.get(young?.id ?? '')).toEqual(young);
    });
  });
}
