// The full table of one limit: which keys it evicts, rejects and continues to count.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWindowTable } from '../../../src/store/memory/limit-windows.ts';
import { createMemoryLimits, maxKeys } from '../../../src/store/memory/limits.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const limit = { count: 4, windowMs: 60_000 };

test('L6 an exhausted limit stays exhausted under a flood of keys', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const rate = { count: 5, windowMs: 900_000 };
  const guess = () => limits.consume('password:address:192.0.2.66', rate);
  for (let n = 0; n < 5; n++) expect(await guess()).toBe(0);
  for (let n = 0; n < 52_000; n++) {
    await limits.consume(`password:address:unknown ${n}`, rate);
    await limits.consume(`ping:address:unknown ${n}`, rate);
  }
  expect(await guess()).toBe(900);
});

test('does not evict a window of which half is used, and evicts one with less', () => {
  const table = createWindowTable(10);
  const used = (key: string) => table.find(key, 0)?.used ?? 0;
  for (let n = 0; n < 2; n++) table.consume('half', limit, 1, 0);
  table.consume('little', limit, 1, 0);
  for (let n = 0; n < 100; n++) table.consume(`unknown ${n}`, limit, 1, 0);
  expect([used('half'), used('little'), used('unknown 0'), used('unknown 99')]).toEqual([2, 0, 0, 1]);
});

test('when full of exhausted keys it rejects unknown ones until one expires, and none that it counts', () => {
  const table = createWindowTable(10);
  for (let n = 0; n < 10; n++) {
    for (let event = 0; event < 3; event++) table.consume(`known ${n}`, limit, 1, n * 1_000);
  }
  expect(table.consume('unknown', limit, 1, 20_000)).toBe(40_000);
  expect(table.consume('known 3', limit, 1, 20_000)).toBe(0);
  expect(table.consume('known 3', limit, 1, 20_000)).toBe(43_000);
  expect(table.consume('unknown', limit, 1, 60_000)).toBe(0);
});

test('counts keys of any length separately, within the size of the table', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const rate = { count: 1, windowMs: 60_000 };
  const long = (end: string) => `session:user:${'x'.repeat(10_000)}${end}` as const;
  expect([await limits.consume(long('a'), rate), await limits.consume(long('b'), rate)]).toEqual([0, 0]);
  expect(await limits.consume(long('a'), rate)).toBe(60);
  for (let n = 2; n < maxKeys; n++) expect(await limits.consume(`session:user:${n}`, rate)).toBe(0);
  expect(await limits.consume('session:user:more', rate)).toBe(60);
});

test('behaves like an unbounded counter for as many keys as it holds', () => {
  const step = fc.record({
    key: fc.nat(4),
    events: fc.integer({ min: 1, max: 3 }),
    back: fc.boolean(),
    ms: fc.nat(30_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const table = createWindowTable(5);
      const model = new Map<number, { used: number; endsAt: number }>();
      let now = 0;
      for (const { key, events, back, ms } of steps) {
        now += ms;
        const found = model.get(key);
        const window = found && found.endsAt > now ? found : undefined;
        if (back) {
          table.refund(String(key), events, now);
          if (window) window.used -= events;
          if (window && window.used <= 0) model.delete(key);
        } else if (window && window.used >= limit.count) {
          expect(table.consume(String(key), limit, events, now)).toBe(window.endsAt - now);
        } else {
          expect(table.consume(String(key), limit, events, now)).toBe(0);
          if (window) window.used += events;
          else model.set(key, { used: events, endsAt: now + limit.windowMs });
        }
      }
    }),
  );
});
