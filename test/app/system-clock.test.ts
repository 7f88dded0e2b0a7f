import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';

const day = 86_400_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('a wait that is longer than the longest timer of Node ends when it is over', () => {
  const fn = vi.fn();
  systemClock.after(60 * day, fn);
  vi.advanceTimersByTime(60 * day - 1);
  expect(fn).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(fn).toHaveBeenCalledOnce();
});

test('it can be cancelled in each of its parts, and leaves no timer', () => {
  for (const waited of [0, 25 * day, 50 * day]) {
    const fn = vi.fn();
    const cancel = systemClock.after(60 * day, fn);
    vi.advanceTimersByTime(waited);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60 * day);
    expect(fn).not.toHaveBeenCalled();
  }
});
