// The audit trail of a folder: how it is read.

import { afterEach, expect, test, vi } from 'vitest';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { disconnectOf } from '../../contract/disconnects.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('a list of many records is read in several turns of the event loop', async () => {
  const clock = createFakeClock();
  const options = {
    ...storeOptions(clock),
    disconnects: { ttlMs: 60_000, max: 10_000, maxUntrusted: 20 },
    log: createMemoryLog(),
    folder: temporaryFolder(),
  };
  const store = await openLowdbStore(options);
  const records = Array.from({ length: 900 }, (_, n) => disconnectOf(clock.now() + n));
  await Promise.all(records.map((record) => store.disconnects.add(record)));
  const turns = vi.spyOn(globalThis, 'setImmediate');
  const { records: found } = await store.disconnects.list({}, { limit: 3 });
  expect(turns.mock.calls.length).toBeGreaterThanOrEqual(8);
  expect(found).toEqual(records.slice(-3).reverse());
  await store.close();
});
