import { expect, test } from 'vitest';
import { createDeadline, noTimeLeft } from '../../src/lib/deadline.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const pending = new Promise<never>(() => {});

test('shares are fractions of the remaining time, by the monotonic clock', () => {
  const clock = createFakeClock();
  const deadline = createDeadline(clock, 10_000);
  clock.advance(4_000);
  clock.setWall(0);
  expect(deadline.remainingMs()).toBe(6_000);
  expect(deadline.reserve(1_000).remainingMs()).toBe(5_000);
  expect(deadline.atMost(2_000).remainingMs()).toBe(2_000);
  expect(deadline.atMost(20_000).remainingMs()).toBe(6_000);
  clock.advance(5_500);
  expect(deadline.reserve(1_000).remainingMs()).toBe(0);
});

test('waits for work until the deadline, whether it succeeds or fails, and leaves no timer', async () => {
  const clock = createFakeClock();
  const deadline = createDeadline(clock, 1_000);
  expect(await deadline.settles(Promise.resolve())).toBe(true);
  expect(await deadline.settles(Promise.reject(new Error('failed')))).toBe(true);
  const waited = deadline.settles(pending);
  clock.advance(1_000);
  expect(await waited).toBe(false);
  expect(clock.pending).toBe(0);
});

test('with no time left, only work that has already settled counts', async () => {
  expect(await noTimeLeft.settles(Promise.resolve())).toBe(true);
  expect(await noTimeLeft.settles(pending)).toBe(false);
});
