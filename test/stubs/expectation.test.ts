// Conditions on the requests of a stub's journal.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  atLeastOnce,
  describeExpectation,
  fieldOf,
  parseCondition,
  parseTimes,
  verify,
} from '../../src/stubs/expectation.ts';
import type { JournalEntry } from '../../src/stubs/journal.ts';

const entry: JournalEntry = {
  at: 0,
  method: 'POST',
  path: '/publish',
  query: { mac: 'FC-45', path: 'a parameter' },
  body: { message: 'Hello Bob', count: 2, nothing: null },
  status: 200,
};

test.each([
  ['message=Hello Bob', true],
  ['message=Hello', false],
  ['message~=^Hello', true],
  ['message~=^Bob', false],
  ['message!=Hello', true],
  ['message!~=Bob', false],
  ['count=2', true],
  ['nothing=null', true],
  ['mac=FC-45', true],
  ['path=a parameter', true],
  ['method=POST', true],
  ['status=200', true],
  ['absent=', false],
  ['absent!=x', true],
  ['message~=', true],
  ['message=a=b', false],
])('%s: %s', (text, isMet) => {
  expect(verify({ received: [parseCondition(text)], times: atLeastOnce }, [entry]).isMet).toBe(isMet);
});

test.each(['', 'message', '=x', '1x=y', 'message~=['])('%j is not a condition', (text) =>
  expect(() => parseCondition(text)).toThrow(JSON.stringify(text)),
);

test('any text after the operator is what it compares with', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, other) => {
      const { matches } = parseCondition(`field=${value}`);
      expect(matches(value)).toBe(true);
      expect(matches(other)).toBe(value === other);
      expect(parseCondition(`field!=${value}`).matches(value)).toBe(false);
    }),
  );
});

describe('the number of requests', () => {
  test.each([
    ['0', [0], [1]],
    ['2', [2], [0, 1, 3]],
    ['>=2', [2, 9], [0, 1]],
    ['<=2', [0, 2], [3]],
    ['1-3', [1, 2, 3], [0, 4]],
  ])('%s', (text, good, bad) => {
    const times = parseTimes(text);
    const isMet = (count: number) => verify({ received: [], times }, Array(count).fill(entry)).isMet;
    expect(good.map(isMet)).toEqual(good.map(() => true));
    expect(bad.map(isMet)).toEqual(bad.map(() => false));
  });

  test.each(['', '-1', '3-1', '2x', '>2', '99999999'])('%j is none', (text) =>
    expect(() => parseTimes(text)).toThrow('expected a number of requests'),
  );
});

test('a request that does not match is listed with the conditions that it does not meet', () => {
  const received = [parseCondition('message~=Hello'), parseCondition('status=500')];
  const { matched, others } = verify({ received, times: atLeastOnce }, [entry]);
  expect([matched, others]).toEqual([[], [{ entry, unmet: [received[1]] }]]);
});

test('fields of prototypes do not exist', () => {
  expect(fieldOf(entry, 'constructor')).toBeUndefined();
  expect(fieldOf({ ...entry, status: null }, 'status')).toBeUndefined();
});

test('an expectation in words', () => {
  const words = (times: string, ...received: string[]) =>
    describeExpectation({ received: received.map(parseCondition), times: parseTimes(times) });
  expect(words('1', 'a=b', 'c~=d')).toBe('exactly 1 request with a=b and c~=d');
  expect(words('>=2')).toBe('at least 2 requests');
  expect(words('0-3', 'a=b')).toBe('0 to 3 requests with a=b');
});
