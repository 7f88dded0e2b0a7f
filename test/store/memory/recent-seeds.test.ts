// The list of seeds in memory is the same array exactly as long as its content is the same.

import { expect, test } from 'vitest';
import { createRecentSeeds } from '../../../src/store/memory/recent-seeds.ts';
import { seed } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const other = { ...seed, imsi: '624010000000002' };

function open() {
  const clock = createFakeClock();
  return { clock, recent: createRecentSeeds(clock, 20_000) };
}

test('returns the same array while nothing has changed, even when empty', () => {
  const { clock, recent } = open();
  expect(recent.list(20_000)).toBe(recent.list(20_000));
  recent.touch(seed);
  clock.advance(5_000);
  recent.touch(other);
  const list = recent.list(20_000);
  expect(list).toEqual([seed, other]);
  clock.advance(15_000);
  expect(recent.list(20_000)).toBe(list);
});

test('a ping, even a repeated one, creates another list and leaves the earlier array unchanged', () => {
  const { recent } = open();
  recent.touch(seed);
  recent.touch(other);
  const list = recent.list(20_000);
  recent.touch(seed);
  expect(recent.list(20_000)).toEqual([other, seed]);
  expect(list).toEqual([seed, other]);
});

test('the list expires with its oldest seed, one by one, without pings', () => {
  const { clock, recent } = open();
  // Loaded from disk, and older than its position in the file implies.
  recent.touch(seed, 1_000);
  recent.touch(other, 3_000);
  clock.advance(17_000);
  expect(recent.list(20_000)).toEqual([seed, other]);
  clock.advance(1);
  expect(recent.list(20_000)).toEqual([seed]);
  clock.advance(2_000);
  expect(recent.list(20_000)).toEqual([]);
});

test('another age returns another list', () => {
  const { clock, recent } = open();
  recent.touch(seed);
  clock.advance(10_000);
  expect(recent.list(20_000)).toEqual([seed]);
  expect(recent.list(9_999)).toEqual([]);
  expect(recent.list(20_000)).toEqual([seed]);
});

test('a removed seed is in no list', () => {
  const { recent } = open();
  recent.touch(seed);
  expect(recent.list(20_000)).toEqual([seed]);
  recent.remove(seed);
  expect(recent.list(20_000)).toEqual([]);
});

test('a seed is the same object until it pings, and then another with its newer LPS', () => {
  const { recent } = open();
  recent.touch(seed);
  const first = recent.get(seed.imsi);
  expect(recent.get(seed.imsi)).toBe(first);
  expect(recent.touchIfActive({ ...seed, lps: seed.lps + 1 })).toBe(0);
  const [second] = recent.all();
  expect(second).toEqual({ ...seed, lps: seed.lps + 1 });
  expect(first).toEqual(seed);
  expect(recent.get(seed.imsi)).toBe(second);
  // Removing an earlier ping does not remove a later one.
  recent.remove(seed);
  expect(recent.all()).toEqual([second]);
});

test('a ping with the LPS of the last one is a new ping', () => {
  const { recent } = open();
  recent.touch(seed);
  const [first = seed] = recent.all();
  recent.touchIfActive({ ...seed });
  recent.remove(first);
  expect(recent.all()).toEqual([seed]);
});
