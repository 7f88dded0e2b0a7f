// The memory budget of request bodies: its bound, and its shares.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBodyBudget, unmeteredBytes } from '../../src/http/body-budget.ts';

const kb = 1_024;

test('one address gets half of the budget at most, which leaves some for others', () => {
  const budget = createBodyBudget(1_024 * kb);
  const [greedy, other] = ['192.0.2.1', '192.0.2.2'];
  const holds = Array.from({ length: 10 }, () => budget.reserve(greedy));
  const refusals = holds.map((hold) => hold.grow(100 * kb + unmeteredBytes));
  expect(refusals.filter((refusal) => refusal === undefined)).toHaveLength(5);
  expect(refusals.at(-1)).toMatchObject({ code: 'UNAVAILABLE', httpStatus: 503, retryAfter: 2 });
  expect(budget.rejected).toBe(5);
  expect(budget.reserve(other).grow(100 * kb)).toBeUndefined();
  for (const hold of holds) hold.release();
  expect(budget.usedBytes).toBe(100 * kb - unmeteredBytes);
});

test('large bodies leave a quarter to bodies of the size of an SMS, and small ones are never rejected', () => {
  const budget = createBodyBudget(1_024 * kb);
  let clients = 0;
  const open = () => budget.reserve(String(clients++));
  while (open().grow(64 * kb) === undefined);
  expect(budget.usedBytes).toBeLessThanOrEqual(768 * kb);
  expect(open().grow(16 * kb)).toBeUndefined();
  while (open().grow(16 * kb) === undefined);
  expect(open().grow(unmeteredBytes)).toBeUndefined();
});

test('the budget is never exceeded, and everything is released in the end', () => {
  const step = fc.record({ hold: fc.nat(9), bytes: fc.nat(200 * kb), release: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const budget = createBodyBudget(500 * kb);
      const holds = Array.from({ length: 10 }, (_, index) => budget.reserve(String(index % 3)));
      for (const { hold: index, bytes, release } of steps) {
        const hold = holds[index];
        if (release) hold?.release();
        else hold?.grow(bytes);
        expect(budget.usedBytes).toBe(holds.reduce((sum, it) => sum + it.bytes, 0));
        expect(budget.usedBytes).toBeLessThanOrEqual(500 * kb);
      }
      for (const hold of holds) hold.release();
      expect(budget.usedBytes).toBe(0);
    }),
  );
});
