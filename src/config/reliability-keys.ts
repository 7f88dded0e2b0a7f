// The keys of reliability tests of gateway clients. Part of the table in schema.ts.

import { defineKey, duration, listType, text } from './value-types.ts';

const numbersType = listType('phone numbers', (item) => {
  if (!/^\+[1-9]\d{5,14}$/.test(item)) throw new Error('expected phone numbers such as +237650393369');
});

export const reliabilityKeys = {
  every: duration(
    '0s',
    ['0s', '14d'],
    'How often every active gateway client is tested by an SMS through the broker; 0s: on request only, else at least 1m.',
  ),
  auth_id: text('', 'Developer whose gateway phones send the SMS of these tests; required with every.'),
  senders: defineKey(
    numbersType,
    [],
    'Numbers that may send the SMS of tests; empty: every number. Anybody can start a test and send its SMS otherwise.',
  ),
};
