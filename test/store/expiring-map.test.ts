import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createExpiringMap } from '../../src/store/memory/expiring-map.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, ageMs: fc.constantFrom(0, 0, 0, 3, 20) }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 4, 10) }),
  fc.record({ do: fc.constant('get' as const), key }),
);

test('it is a list in which the oldest come first, and which forgets them', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, max) => {
      const clock = createFakeClock();
      const map = createExpiringMap<number>(clock, 10, max);
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

test('the oldest give way when all together weigh too much; what is too heavy alone is not kept', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (all) => {
      const map = createExpiringMap<number>(createFakeClock(), 1_000, 100, { max: 10, of: (value) => value });
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
