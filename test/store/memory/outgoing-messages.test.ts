// Outgoing messages in memory whose times to live differ.

import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { messageOf } from '../../support/outgoing-messages.ts';

test('messages that have expired behind one that is kept for longer delay no review', async () => {
  const clock = createFakeClock();
  const { messages } = createMemoryStore(storeOptions(clock));
  await messages.add([messageOf(clock.now(), { scheduledAt: clock.now() + 100_000 })]);
  await messages.add([1, 2, 3].map((n) => messageOf(clock.now() + n, { reviewAt: n })));
  clock.advance(61_000);
  const last = messageOf(clock.now(), { reviewAt: 4 });
  await messages.add([last]);
  expect(await messages.nextReviewAt()).toBe(4);
  expect(await messages.due(9, 2)).toEqual([last.id]);
});
