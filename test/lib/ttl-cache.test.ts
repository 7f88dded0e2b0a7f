import fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';
import { createTtlCache } from '../../src/lib/ttl-cache.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, ageMs: fc.constantFrom(0, 0, 0, 3, 20) }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 4, 10) }),
  fc.record({ do: fc.constant('get' as const), key }),
);

test('entries expire and are evicted in order of age', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, max) => {
      const clock = createFakeClock();
      const map = createTtlCache<number>(clock, 10, max);
      let model: { key: string; value: number; endsAt: number }[] = [];
      const live = () => model.filter(({ endsAt }) => endsAt > clock.monotonic());
      for (const [value, each] of steps.entries()) {
        if (each.do === 'wait') clock.advance(each.ms);
        if (each.do === 'delete') {
          map.delete(each.key);
          model = model.filter((entry) => entry.key !== each.key);
        }
        if (each.do === 'set') {
          map.set(each.key, value, each.ageMs);
          const others = model.filter((entry) => entry.key !== each.key);
          const endsAt = clock.monotonic() - each.ageMs + 10;
          model = [...others.slice(Math.max(0, others.length - max + 1)), { key: each.key, value, endsAt }];
        }
        if (each.do === 'get') {
          expect(map.get(each.key)).toBe(live().find((entry) => entry.key === each.key)?.value);
        }
        expect(map.size).toBeLessThanOrEqual(max);
      }
      expect([...map.values()]).toEqual(live().map((entry) => entry.value));
    }),
  );
});

test('evicts the oldest above the total weight, and does not keep an entry that is too heavy alone', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (all) => {
      const map = createTtlCache<number>(createFakeClock(), 1_000, 100, { max: 10, of: (value) => value });
      let model: number[] = [];
      for (const [index, size] of all.entries()) {
        map.set(`${index}`, size);
        model = [...model, size];
        while (model.reduce((sum, each) => sum + each, 0) > 10) model = model.slice(1);
        expect([...map.values()]).toEqual(model);
      }
    }),
  );
});

test('removes expired entries from memory as others are added, without a scan over all', () => {
  const clock = createFakeClock();
  const map = createTtlCache<number>(clock, 10);
  for (let n = 0; n < 1_000; n++) map.set(`old ${n}`, n);
  clock.advance(10);
  for (let n = 0; n < 250; n++) map.set(`new ${n}`, n);
  expect(map.size).toBe(250);
});

// Once one of these fails, the library may replace ours.
test('lru-cache keeps expired entries in memory unless a timer or a scan removes them, and rejects a weight of 0', () => {
  const clock = createFakeClock(1);
  const perf = { now: () => 1 + clock.monotonic() };
  const cache = new LRUCache<string, number>({ max: 10_000, ttl: 10, ttlResolution: 0, perf });
  for (let n = 0; n < 1_000; n++) cache.set(`old ${n}`, n);
  clock.advance(11);
  expect(cache.get('old 0')).toBeUndefined();
  for (let n = 0; n < 250; n++) cache.set(`new ${n}`, n);
  expect(cache.size).toBe(1_249);
  const weighed = new LRUCache<string, number>({ maxSize: 10, sizeCalculation: (value) => value });
  expect(() => weighed.set('a', 0)).toThrow(TypeError);
});
