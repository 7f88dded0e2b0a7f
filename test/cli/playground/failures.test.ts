// The option --fail of the playground.

import { expect, test } from 'vitest';
import { parseFailures } from '../../../src/cli/playground/failures.ts';

test('names the stubs and how they fail', () => {
  expect(parseFailures('publisher=1/3, pcrf=slow')).toEqual({
    publisher: { fail: { failing: 1, of: 3 } },
    pcrf: { mode: 'slow' },
  });
  expect(parseFailures('nas=1/3', parseFailures('nas=forge'))).toEqual({
    nas: { fail: { failing: 1, of: 3 } },
  });
  expect(parseFailures('pcrf=hang', parseFailures('publisher=refuse'))).toEqual({
    publisher: { mode: 'refuse' },
    pcrf: { mode: 'hang' },
  });
});

test.each([
  '',
  'publisher',
  'publisher=4/3',
  'publisher=slowly',
  'pcrf=1/3',
  'users=slow',
  'pcrf=slow,',
  'nas=drop',
])('refuses %j', (text) => expect(() => parseFailures(text)).toThrow(/xpected/));
