// The delayed writes of the LPS and of users: none begins after a close, and a close waits for those that have begun.

import { expect, test } from 'vitest';
import { createFlusher } from '../../../src/store/lowdb/flusher.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

function createBlockedFlusher() {
  const clock = createFakeClock();
  let done = 0;
  const waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const flusher = createFlusher({
    clock,
    log: createMemoryLog(),
    folder: '/store',
    delayMs: 10,
    retryMs: 100,
    maxRetryMs: 300,
    failureMessage: 'not writable',
    write: async () => {
      await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
      done++;
    },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, flusher, waiting, turn, done: () => done };
}

test('a flush includes what changed during the write in progress', async () => {
  const { flusher, waiting, turn, done } = createBlockedFlusher();
  flusher.mark();
  const first = flusher.flush();
  await turn();
  flusher.mark();
  const second = flusher.flush();
  waiting[0]?.resolve();
  await first;
  await turn();
  expect(waiting).toHaveLength(2);
  waiting[1]?.resolve();
  await second;
  expect(done()).toBe(2);
});

test('a close waits for the write that a flush has begun meanwhile, and nothing is written after it', async () => {
  const { clock, flusher, waiting, turn, done } = createBlockedFlusher();
  flusher.mark();
  const flushes = [flusher.flush()];
  await turn();
  flusher.mark();
  flushes.push(flusher.flush());
  const closed = flusher.close();
  waiting[0]?.resolve();
  await turn();
  waiting[1]?.resolve();
  await closed;
  expect(done()).toBe(2);
  await Promise.all(flushes);
  flusher.mark();
  await flusher.flush();
  expect(clock.pending).toBe(0);
  expect(waiting).toHaveLength(2);
});

test('retries wait twice as long each, up to the maximum, and begin again after a success', async () => {
  const { clock, flusher, waiting, turn } = createBlockedFlusher();
  flusher.mark();
  let begun = 0;
  for (const wait of [10, 100, 200, 300, 300]) {
    clock.advance(wait - 1);
    expect(waiting).toHaveLength(begun);
    clock.advance(1);
    expect(waiting).toHaveLength(++begun);
    waiting.at(-1)?.reject(new Error('full'));
    await turn();
    expect(flusher.failure?.message).toContain('full');
  }
  clock.advance(300);
  waiting.at(-1)?.resolve();
  await turn();
  expect(flusher.failure).toBeUndefined();
  flusher.mark();
  clock.advance(10);
  waiting.at(-1)?.reject(new Error('full'));
  await turn();
  clock.advance(100);
  expect(waiting).toHaveLength(begun + 3);
  flusher.mark();
});
