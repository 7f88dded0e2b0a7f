// The audit trail as the console watches it: pages are read again only when they may have changed, and today's requests are
// counted; and what is said about a record.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { remedyOf, stepsOf } from '../../../src/domain/wifi/audit-history.ts';
import {
  type DisconnectRecord,
  disconnectOutcomes,
  recordIdOf,
} from '../../../src/domain/wifi/audit-model.ts';
import { watchAuditTrail } from '../../../src/domain/wifi/audit-trail.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function createTrail(isShared = false) {
  const clock = createFakeClock();
  const { disconnects } = createMemoryStore(storeOptions(clock));
  let lists = 0;
  const store: typeof disconnects = {
    ...disconnects,
    list: (...args) => {
      lists++;
      return disconnects.list(...args);
    },
  };
  const trail = watchAuditTrail(store, { clock, isShared });
  return { clock, store, trail, lists: () => lists, page: () => trail.page({}, { limit: 2 }) };
}

let suffix = 0;
const recordAt = (at: number, record: Partial<DisconnectRecord> = {}): DisconnectRecord => ({
  id: recordIdOf(at, (suffix++).toString(16).padStart(8, '0')),
  at,
  requestId: 'request',
  address: '192.0.2.1',
  outcome: 'disconnected',
  durationMs: 5,
  reports: [],
  ...record,
});

test('pages are those of the store, whatever this process adds', async () => {
  const command = fc.oneof(
    { weight: 3, arbitrary: fc.record({ user: fc.constantFrom('a', 'b'), backMs: fc.nat(3) }) },
    fc.record({ filter: fc.constantFrom({}, { user: 'a' }, { text: 'B' }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      const { trail, store, clock } = createTrail();
      for (const each of commands) {
        clock.advance(5);
        if ('user' in each) {
          await trail.store.add(recordAt(clock.now() - each.backMs * 10, { user: each.user }));
          continue;
        }
        const shown = await trail.page(each.filter, { limit: 3 });
        const { records, next } = await store.list(each.filter, { limit: 3 });
        expect(shown.records).toEqual(records);
        const rest = (before: string | undefined) =>
          before === undefined ? [] : store.list(each.filter, { limit: 99, before });
        expect(await rest(shown.next)).toEqual(await rest(next));
      }
    }),
    { numRuns: 30 },
  );
});

test('a page is read once as long as only this process records, and soon again where others may', async () => {
  const own = createTrail();
  await own.page();
  for (let n = 0; n < 3; n++) {
    await own.trail.store.add(recordAt(own.clock.now()));
    own.clock.advance(10_000);
    expect((await own.page()).records).toHaveLength(Math.min(2, n + 1));
  }
  expect(own.lists()).toBe(1);
  own.clock.advance(60_000);
  await own.page();
  expect(own.lists()).toBe(2);

  const shared = createTrail(true);
  await shared.page();
  await shared.store.add(recordAt(shared.clock.now()));
  shared.clock.advance(10_000);
  expect((await shared.page()).records).toHaveLength(1);
});

test('what is recorded while a page is read is on it once', async () => {
  const { clock, trail, store } = createTrail();
  const during = recordAt(clock.now());
  const list = store.list;
  let adding: Promise<void> | undefined;
  store.list = async (...args) => {
    adding ??= trail.store.add(during);
    const found = list(...args);
    await adding;
    return found;
  };
  const page = () => trail.page({}, { limit: 5 });
  await page();
  expect((await page()).records).toEqual([during]);
});

test('counts outcomes and calls of today, and keeps the last errors', async () => {
  const { clock, trail } = createTrail();
  const report = (durationMs: number) =>
    ({ backend: 'pcrf', kind: 'disconnected', attempts: 1, durationMs }) as const;
  for (const ms of [10, 20, 30]) await trail.store.add(recordAt(clock.now(), { reports: [report(ms)] }));
  await trail.store.add(
    recordAt(clock.now(), {
      ...{ outcome: 'timeout', mac: '02-00-00-00-00-01', reason: 'too late' },
      reports: [{ backend: 'radius', kind: 'timeout', attempts: 3, durationMs: 5_000 }],
    }),
  );
  await trail.store.add(recordAt(clock.now(), { outcome: 'refused', reason: 'expired' }));
  const errors = [{ outcome: 'timeout', mac: '02-00-00-00-00-01', reason: 'too late' }];
  expect(trail.report()).toMatchObject({
    outcomes: [
      { outcome: 'disconnected', count: 3 },
      { outcome: 'timeout', count: 1 },
      { outcome: 'refused', count: 1 },
    ],
    backends: [
      { backend: 'pcrf', ended: 3, failed: 0, latency: { p50: 20, p95: 30, max: 30, count: 3 } },
      { backend: 'radius', ended: 0, failed: 1, latency: { count: 1 } },
    ],
    errors,
  });
  clock.advance(86_400_000);
  expect(trail.report()).toMatchObject({
    outcomes: [],
    backends: [{ ended: 0 }, { failed: 0 }],
    errors,
    since: Math.floor(clock.now() / 86_400_000) * 86_400_000,
  });
});

test('every outcome has a timeline, and each that is not a success says what to do', () => {
  for (const outcome of disconnectOutcomes) {
    const record = recordAt(1, { outcome, reason: 'why' });
    expect(stepsOf(record).at(-1)?.tone).toBe(outcome === 'disconnected' ? 'good' : 'bad');
    for (const backend of ['pcrf', 'radius'] as const) {
      if (outcome === 'disconnected') continue;
      const reports = [{ backend, kind: 'rejected', attempts: 1, durationMs: 1 }] as const;
      expect([outcome, remedyOf({ ...record, reports })]).toEqual([outcome, expect.any(String)]);
    }
  }
});
