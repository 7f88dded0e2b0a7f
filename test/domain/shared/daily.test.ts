// The value of today starts again at midnight UTC, also when the clock is set back.

import { expect, test } from 'vitest';
import { createDaily } from '../../../src/domain/shared/daily.ts';

const dayMs = 86_400_000;

test('it is kept until midnight UTC', () => {
  let now = 10 * dayMs + 5;
  const counts = createDaily({ now: () => now }, () => ({ sms: 0 }));
  counts.current().sms++;
  now = 11 * dayMs - 1;
  expect(counts.current()).toEqual({ sms: 1 });
  expect(counts.since()).toBe(10 * dayMs + 5);

  now = 11 * dayMs;
  expect(counts.since()).toBe(11 * dayMs);
  expect(counts.current()).toEqual({ sms: 0 });
});

test('a clock that is set back to yesterday starts it again', () => {
  let now = 10 * dayMs;
  const counts = createDaily({ now: () => now }, () => ({ sms: 0 }));
  counts.current().sms++;
  now -= 1;
  expect(counts.current()).toEqual({ sms: 0 });
});
