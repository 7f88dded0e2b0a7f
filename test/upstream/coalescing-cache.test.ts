// How long values are cached, how many of them, and that concurrent requests for one key are one.

import { describe, expect, test } from 'vitest';
import { createCoalescingCache } from '../../src/upstream/coalescing-cache.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function setUp(keepMs: (response: string) => number = () => 1_000) {
  const clock = createFakeClock();
  const cache = createCoalescingCache<string>({
    clock,
    ttlMs: keepMs,
    onOverload: () => {
      throw new Error('too many');
    },
  });
  const loaded: string[] = [];
  return {
    clock,
    loaded,
    cache,
    load: async (key: string) =>
      cache.get(key, async () => {
        loaded.push(key);
        return `${key}!`;
      }),
  };
}

describe('a value', () => {
  test('is cached for its time, from time 0 of the clock, whatever happens to the wall clock', async () => {
    const { clock, loaded, load } = setUp();
    expect(await load('a')).toBe('a!');
    clock.setWall(0);
    clock.advance(999);
    expect(await load('a')).toBe('a!');
    expect(loaded).toEqual(['a']);
    clock.advance(1);
    expect(await load('a')).toBe('a!');
    expect(loaded).toEqual(['a', 'a']);
  });

  test('whose time is 0 is not cached', async () => {
    const { loaded, load } = setUp(() => 0);
    await load('a');
    await load('a');
    expect(loaded).toEqual(['a', 'a']);
  });

  test('can be invalidated before its time', async () => {
    const { cache, loaded, load } = setUp();
    await load('a');
    cache.delete('a');
    await load('a');
    expect(loaded).toEqual(['a', 'a']);
  });

  test('is evicted by 10,000 others, the least recently used first', async () => {
    const { loaded, load } = setUp();
    for (let index = 0; index < 10_000; index += 1) await load(String(index));
    await load('0');
    await load('new');
    expect(loaded).toHaveLength(10_001);
    await load('0');
    expect(loaded).toHaveLength(10_001);
    await load('1');
    expect(loaded.at(-1)).toBe('1');
  });
});

describe('a running request', () => {
  test('is shared by all callers of its key, and by no others', async () => {
    const { loaded, load } = setUp(() => 0);
    expect(await Promise.all([load('a'), load('b'), load('a')])).toEqual(['a!', 'b!', 'a!']);
    expect(loaded).toEqual(['a', 'b']);
  });

  test('that began before its value was invalidated serves its callers alone, and is not cached', async () => {
    const { cache, loaded, load } = setUp();
    const earlier = load('a');
    cache.delete('a');
    expect(await Promise.all([earlier, load('a'), load('a')])).toEqual(['a!', 'a!', 'a!']);
    expect(loaded).toEqual(['a', 'a']);
    const another = cache.get('b', async () => 'old');
    cache.delete('b');
    expect(await another).toBe('old');
    expect(await load('b')).toBe('b!');
  });

  test('that fails, fails for all, and is repeated by the next caller', async () => {
    const { cache, load } = setUp();
    const fail = () => Promise.reject(new Error('no'));
    expect(await Promise.allSettled([cache.get('a', fail), cache.get('a', fail)])).toEqual([
      { status: 'rejected', reason: new Error('no') },
      { status: 'rejected', reason: new Error('no') },
    ]);
    expect(await load('a')).toBe('a!');
  });

  test('is one of 256 at most; cached values and shared requests do not count', async () => {
    const { cache, load } = setUp();
    await load('kept');
    let resolve = (_answer: string): void => {};
    const promise = new Promise<string>((settle) => {
      resolve = settle;
    });
    const waiting = Array.from({ length: 256 }, (_, index) => cache.get(String(index), () => promise));
    await expect(load('one more')).rejects.toThrow('too many');
    expect(await load('kept')).toBe('kept!');
    const shared = load('0');
    resolve('late');
    expect(await shared).toBe('late');
    await Promise.all(waiting);
    expect(await load('one more')).toBe('one more!');
  });
});
