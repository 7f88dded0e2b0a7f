// The audit trail in memory when the clock is set back.

import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { disconnectOf } from '../../contract/disconnects.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

test('a full trail evicts the records that arrived first, also after the clock was set back', async () => {
  const clock = createFakeClock();
  const { disconnects } = createMemoryStore(storeOptions(clock));
  const add = async (at: number) => {
    const record = disconnectOf(at);
    await disconnects.add(record);
    return record;
  };
  for (let n = 0; n < 45; n++) await add(clock.now() + n);
  clock.setWall(clock.now() - 3_600_000);
  const late = [await add(clock.now()), await add(clock.now() + 1)];
  const { records } = await disconnects.list({}, { limit: 100 });
  expect(records).toHaveLength(40);
  expect(records.slice(-2)).toEqual(late.toReversed());
  clock.advance(60_000);
  const last = await add(clock.now());
  expect((await disconnects.list({}, { limit: 100 })).records).toEqual([last]);
});
