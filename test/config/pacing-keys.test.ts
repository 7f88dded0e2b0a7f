// The keys of [outgoing] that let SMS wait: rate, daily, quiet and max_waiting.

import { expect, test } from 'vitest';
import { quietHours } from '../../src/config/quiet-hours-type.ts';
import { configFile } from '../support/config-files.ts';
import { loadErrors } from './load-errors.ts';

const { type } = quietHours('');

test('quiet hours are read, and written back', () => {
  const text = '22:00-06:30 Africa/Douala, MTN Cameroon 20:00-07:00 UTC';
  expect(type.parse(text)).toEqual([
    { from: 1_320, to: 390, timeZone: 'Africa/Douala' },
    { operatorName: 'MTN Cameroon', from: 1_200, to: 420, timeZone: 'UTC' },
  ]);
  expect(type.format(type.parse(text))).toBe(text);
  expect(type.parse('')).toEqual([]);
});

test.each([
  ['22-6 Africa/Douala', 'such as 22:00-06:00 Africa/Douala'],
  ['22:00-06:00', 'such as 22:00-06:00 Africa/Douala'],
  ['24:00-06:00 UTC', 'from 00:00 to 23:59'],
  ['06:00-06:00 UTC', 'another time'],
  ['22:00-06:00 Africa/Duala', 'unknown time zone'],
  ['22:00-06:00 +01:00', 'unknown time zone'],
  ['MTN 22:00-06:00 UTC, mtn 01:00-02:00 UTC', 'twice'],
  ['22:00-06:00 Mars, 1:00-2:00 UTC,', 'item 1: unknown.*; item 2: .*; item 3: '],
])('quiet = %s is refused', (text, reason) => {
  expect(() => type.parse(text)).toThrow(new RegExp(reason));
});

test.each([
  ['rate = 1/100ms', 'rate needs a window from 1s to 1d'],
  ['daily = 100/7d', 'daily needs a window from 1s to 1d'],
  ['rate = 20/1h\ndaily = 10/1m', 'daily needs a longer window than rate'],
  ['max_messages = 1000\nmax_waiting = 1001', 'max_waiting is above max_messages'],
])('%j is refused', (text, reason) => {
  expect(loadErrors({ files: [configFile(`[outgoing]\n${text}`)] })).toEqual([
    expect.stringContaining(reason),
  ]);
});
