// Two nodes on one store: one gives an SMS to the broker while the other cancels it, or lets it expire, at any step of the first.

import { expect, test, vi } from 'vitest';
import { isFinal } from '../../../src/domain/outgoing/message.ts';
import { createMessageLog } from '../../../src/domain/outgoing/message-log.ts';
import { cancelPending } from '../../../src/domain/outgoing/tracking.ts';
import { createMemoryLog } from '../../support/log.ts';
import { context, createFixture, request } from './outgoing-fixture.ts';

const minute = 60_000;

/** At step number `step` of the store, counted from the time at which the SMS is due, the other node does its work. */
async function interleave(step: number, other: 'cancel' | 'expire'): Promise<{ readonly steps: number }> {
  const fixture = createFixture();
  const { clock, store, broker, waiting, outgoing } = fixture;
  // Of its own, as each process has one.
  const messages = createMessageLog({
    store: { ...store.messages },
    callbacks: { addState: async () => true },
    clock,
    log: createMemoryLog(),
    newId: () => '1',
    reportGraceMs: 0,
  });
  const scheduledAt = clock.now() + minute;
  const { body } = await outgoing.send({ ...request, scheduledAt, ttlMs: minute }, context);
  const { id } = JSON.parse(body).messages[0];
  let steps = 0;
  const act = async (): Promise<void> => {
    if (steps++ !== step) return;
    if (other === 'cancel') {
      await messages.change(id, cancelPending);
    } else {
      clock.setWall(clock.now() + 2 * minute);
      clock.advance(1_000);
      await messages.idle();
    }
  };
  const { get, replaceAll } = store.messages;
  vi.spyOn(store.messages, 'get').mockImplementation(async (...args) => {
    const result = await get(...args);
    await act();
    return result;
  });
  vi.spyOn(store.messages, 'replaceAll').mockImplementation(async (...args) => {
    await act();
    return replaceAll(...args);
  });
  if (other === 'expire') messages.start();
  waiting?.start();
  clock.advance(minute);
  await vi.waitFor(
    async () => {
      clock.advance(1_000);
      await waiting?.idle();
      expect((await store.waitingSms.count()).waiting).toBe(0);
    },
    { interval: 1 },
  );
  messages.stop();
  waiting?.stop();
  const message = await get(id);
  const isPublished = broker.send.mock.calls.length === 1;
  expect(broker.send.mock.calls.length, `${other} at step ${step}`).toBeLessThanOrEqual(1);
  if (other === 'cancel')
    expect([message?.state, isPublished], `step ${step}`).toEqual(
      isPublished ? ['queued', true] : ['cancelled', false],
    );
  else if (!isPublished) expect(message && isFinal(message.state), `step ${step}`).toBe(true);
  return { steps };
}

test.each(['cancel', 'expire'] as const)(
  'an SMS is never published after the other node did %s',
  async (other) => {
    let step = 0;
    while ((await interleave(step, other)).steps > step) step++;
    expect(step).toBeGreaterThan(2);
  },
);
