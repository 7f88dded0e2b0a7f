// The check of `swob doctor` for the age of number data, and its table of versions.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkNumberData } from '../../src/app/doctor/number-data.ts';
import { numberData } from '../../src/telecom/data-versions.ts';

test('number data older than its limit is reported with its age and what to do', () => {
  const states = (date: string) =>
    checkNumberData(numberData, Date.parse(date)).map(({ check, state }) => [check, state]);
  expect(states('2026-12-01')).toEqual([
    ['number metadata', 'ok'],
    ['carrier prefixes', 'ok'],
    ['operator list', 'ok'],
  ]);
  expect(checkNumberData(numberData, Date.parse('2028-07-01'))[0]).toEqual({
    check: 'number metadata',
    state: 'warn',
    detail: 'libphonenumber-js 1.13.16 of 2026-11-10 is 19 months old',
    advice: expect.stringContaining('update swob'),
  });
  // A clock that was never set.
  expect(states('1970-01-01').every(([, state]) => state === 'ok')).toBe(true);
});

test('the table has the installed versions: when this fails, write the new version and its date into it', () => {
  for (const { package: name, version } of numberData) {
    const installed = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version;
    expect([name, version]).toEqual([name, installed]);
  }
});
