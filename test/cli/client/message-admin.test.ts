// What `swob sms failed` and `list` print for a message.

import { expect, test } from 'vitest';
import { failureReason } from '../../../src/cli/client/message-admin.ts';

test('marks a message that may have been delivered, whatever the result of its last attempt', () => {
  const history = [
    { at: 1, event: 'received by deku' },
    { at: 2, event: 'attempt 1: outcome unknown: the Publisher did not answer within 2000 ms' },
  ];
  const failed = { at: 3, event: 'attempt 2 failed: the Publisher answered 503' };
  const deadLettered = { at: 3, event: 'dead-lettered' };

  expect(failureReason({ state: 'outcome unknown', history: [...history, deadLettered] })).toBe(
    'outcome unknown: the Publisher did not answer within 2000 ms',
  );
  expect(failureReason({ state: 'outcome unknown', history: [...history, failed, deadLettered] })).toBe(
    'outcome unknown, then: the Publisher answered 503',
  );
  expect(failureReason({ state: 'dead-lettered', history: [failed, deadLettered] })).toBe(
    'the Publisher answered 503',
  );
});
