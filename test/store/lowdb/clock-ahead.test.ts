// A wall clock that is far ahead at a start, as on a machine without a battery, deletes nothing.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/domain/store.ts';
import { keptForMs } from '../../../src/store/lowdb/expired-segments.ts';
import { disconnectOf } from '../../contract/disconnects.ts';
import { receipt, storedResponse } from '../../contract/ttl-stores.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { messageOf } from '../../support/outgoing-messages.ts';
import { openStore, receiptFiles, receiptLines, receiptsOf } from './support.ts';

const tenYearsMs = 10 * 365 * 86_400_000;

/** Everything that expires, in a store that has been closed. */
async function closedStore() {
  const { store, folder, clock } = await openStore();
  const at = clock.now();
  await store.receipts.put('a', receipt);
  await store.responses.put('a', storedResponse);
  await store.signOuts.put('a', { at });
  await store.tests.add({ id: 1, msisdn: '+1', startedAt: at });
  await store.disconnects.add(disconnectOf(at));
  await store.messages.add([messageOf(at)]);
  await store.close();
  return { folder, clock };
}

const ahead = (clock: FakeClock): FakeClock => createFakeClock(clock.now() + tenYearsMs);

/** The number of records of each kind. */
async function recordsIn({ receipts, responses, tests, disconnects, messages }: Store) {
  return {
    receipts: (await receipts.get('a')) ? 1 : 0,
    responses: (await responses.get('a')) ? 1 : 0,
    tests: (await tests.list('+1')).length,
    disconnects: (await disconnects.list({}, { limit: 9 })).records.length,
    messages: (await messages.list({}, { limit: 9 })).messages.length,
  };
}

const all = { receipts: 1, responses: 1, tests: 1, disconnects: 1, messages: 1 };
const none = { receipts: 0, responses: 0, tests: 0, disconnects: 0, messages: 0 };

/** Adds a record of every kind, each to a new segment. */
async function addMore(store: Store, clock: FakeClock): Promise<void> {
  await store.receipts.put('b', receipt);
  await store.responses.put('b', storedResponse);
  await store.tests.add({ id: 2, msisdn: '+2', startedAt: clock.now() });
  await store.disconnects.add(disconnectOf(clock.now()));
  await store.messages.add([messageOf(clock.now())]);
}

describe('what the wall clock says is expired', () => {
  test('is hidden, and is there again once the clock is right at a start', async () => {
    const { folder, clock } = await closedStore();
    const wrong = ahead(clock);
    const { store } = await openStore({ folder, clock: wrong });
    expect(await recordsIn(store)).toEqual(none);
    await addMore(store, wrong);
    await store.close();
    const { store: after, log } = await openStore({ folder, clock });
    expect(await recordsIn(after)).toMatchObject({ receipts: 1, responses: 1, tests: 1 });
    expect((await after.disconnects.list({}, { limit: 9 })).records).toHaveLength(2);
    expect((await after.messages.list({}, { limit: 9 })).messages).toHaveLength(2);
    expect(log.lines).toEqual([]);
  });

  test('is deleted once the process has run for an hour with this clock', async () => {
    const { folder, clock } = await closedStore();
    const wrong = ahead(clock);
    const { store } = await openStore({ folder, clock: wrong });
    wrong.leap(keptForMs - 1);
    await addMore(store, wrong);
    const folders = ['receipts', 'responses', 'tests', 'disconnects', 'messages'];
    const files = () => Promise.all(folders.map((name) => readdir(join(folder, name))));
    for (const names of await files()) expect(names.sort()).toEqual(['1.ndjson', '2.ndjson']);
    wrong.leap(1);
    await store.receipts.put('c', receipt);
    await store.responses.put('c', storedResponse);
    await store.tests.add({ id: 3, msisdn: '+2', startedAt: wrong.now() });
    await store.disconnects.add(disconnectOf(wrong.now()));
    await store.messages.add([messageOf(wrong.now())]);
    for (const names of await files()) expect(names.sort()).toEqual(['2.ndjson', '3.ndjson']);
  });

  test('stays when the clock is corrected while the process runs', async () => {
    const { folder, clock } = await closedStore();
    const wrong = ahead(clock);
    const { store } = await openStore({ folder, clock: wrong });
    wrong.setWall(clock.now());
    wrong.leap(keptForMs);
    wrong.setWall(clock.now());
    await addMore(store, wrong);
    await store.close();
    const { store: after } = await openStore({ folder, clock });
    expect(await recordsIn(after)).toEqual({ ...all, disconnects: 2, messages: 2 });
  });

  test('is deleted by number, as many later lines as are kept would do', async () => {
    const { folder, clock } = await closedStore();
    const wrong = ahead(clock);
    const { store } = await openStore({ folder, clock: wrong });
    for (let n = 0; n < 99; n++) await store.receipts.put(`${n}`, receipt);
    expect(await receiptFiles(folder)).toContain('1.ndjson');
    for (let n = 99; n < 200; n++) await store.receipts.put(`${n}`, receipt);
    expect(await receiptFiles(folder)).not.toContain('1.ndjson');
  });

  test('does not accumulate over restarts within the hour', async () => {
    const { store, folder, clock } = await openStore();
    await store.close();
    for (let start = 0; start < 20; start++) {
      const { store: again } = await openStore({ folder, clock });
      for (let n = 0; n < 40; n++) await again.receipts.put(`${start} ${n}`, receipt);
      expect(await receiptsOf(again, [`${start} 0`, `${start} 39`])).toHaveLength(2);
      await again.close();
      clock.advance(60_000);
    }
    expect((await receiptLines(folder)).length).toBeLessThanOrEqual(250);
  });
});
