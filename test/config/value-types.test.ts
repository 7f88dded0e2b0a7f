// How each kind of value is read from text and written back.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  duration,
  flag,
  formatDuration,
  integer,
  limit,
  listType,
  oneOf,
  parseDuration,
  port,
  share,
  someOf,
  text,
  url,
} from '../../src/config/value-types.ts';

const day = 86_400_000;

describe('durations', () => {
  test.each([
    ['10s', 10_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['15', 15_000],
    ['0.5', 500],
    ['0.07', 70],
    ['20 s', 20_000],
  ])('%s is %i ms', (written, ms) => expect(parseDuration(written)).toBe(ms));

  test.each(['', 's', '-1s', '+1', '1e3', '.5', '5.', '1 2', '1w', '10S', '1s1', 'Infinity', '0x10', '1,5s'])(
    '%j is refused',
    (written) => expect(() => parseDuration(written)).toThrow('expected a duration'),
  );

  test('every integer number of milliseconds is read back unchanged', () => {
    fc.assert(
      fc.property(fc.nat({ max: 365 * day }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('round numbers are written in the largest unit', () => {
    expect([0, 250, 1_000, 90_000, 3_600_000, day].map(formatDuration)).toEqual([
      '0ms',
      '250ms',
      '1s',
      '90s',
      '1h',
      '1d',
    ]);
  });

  test('both bounds are allowed, and no value beyond them', () => {
    const { type: kind } = duration('1s', ['500ms', '1m'], '');
    expect([kind.parse('500ms'), kind.parse('60')]).toEqual([500, 60_000]);
    expect(() => kind.parse('499ms')).toThrow('expected a duration from 500ms to 1m');
    expect(() => kind.parse('60.001')).toThrow('expected a duration from 500ms to 1m');
    expect(() => kind.parse('9'.repeat(400))).toThrow('expected a duration from 500ms to 1m');
  });
});

describe('limits', () => {
  const { type: kind } = limit('5/15m', '');

  test('every limit is read back unchanged', () => {
    const limits = fc.record({
      count: fc.integer({ min: 1, max: 999_999_999 }),
      windowMs: fc.integer({ min: 1, max: 7 * day }),
    });
    fc.assert(
      fc.property(limits, (value) => {
        expect(kind.parse(kind.format(value))).toEqual(value);
      }),
    );
    expect(kind.parse(kind.format('off'))).toBe('off');
  });

  test.each([
    '',
    '5',
    '5/',
    '/1m',
    '0/1m',
    '-5/1m',
    '1.5/1m',
    '5/1m/2',
    '5/0s',
    '5/8d',
    '5/x',
    'OFF',
    '1234567890/1m',
  ])('%j is refused', (written) => expect(() => kind.parse(written)).toThrow(/expected/));

  test('a malformed limit cannot be a default', () => {
    expect(() => limit('many', '')).toThrow('expected N/duration');
  });
});

describe('whole numbers and ports', () => {
  test('every number within the bounds is read back unchanged', () => {
    const { type: kind } = integer(5, [3, 70_000], '');
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 70_000 }), (value) => {
        expect(kind.parse(kind.format(value))).toBe(value);
      }),
    );
  });

  test.each(['abc', '', '-1', '65536', '1e3', '0x50', '80.0', ' 80', '80 ', '٨٠', '9'.repeat(400)])(
    '%j is not a port',
    (written) =>
      expect(() => port(1, '').type.parse(written)).toThrow('expected a whole number from 0 to 65535'),
  );

  test('the lowest and the highest port are allowed', () => {
    expect([port(1, '').type.parse('0'), port(1, '').type.parse('65535')]).toEqual([0, 65_535]);
  });
});

test('a choice is exactly one of its values', () => {
  const { type: kind } = oneOf(['testing', 'production'], 'testing', '');
  expect(kind.parse('production')).toBe('production');
  for (const wrong of ['Production', '', 'toString', 'test']) {
    expect(() => kind.parse(wrong)).toThrow('expected one of: testing, production');
  }
});

test('a list drops spaces and empty items, checks each, and is read back unchanged', () => {
  const kind = listType('letters', (item) => {
    if (!/^[a-z]$/.test(item)) throw new Error(`${item} is no letter`);
  });
  expect(kind.parse(' a , ,b,')).toEqual(['a', 'b']);
  expect(kind.parse(kind.format(['a', 'b']))).toEqual(['a', 'b']);
  expect(kind.parse('')).toEqual([]);
  expect(() => kind.parse('a, 1')).toThrow('1 is no letter');
});

test('commas without an item are refused, because an empty list may mean "any"', () => {
  for (const written of [',', ' , ', ' ']) {
    expect(() => listType('letters', () => {}).parse(written)).toThrow('expected letters');
  }
});

test('a flag is one of six words in any case, and is read back unchanged', () => {
  const { type: kind } = flag(false, '');
  expect(['true', 'yes', 'On'].map(kind.parse)).toEqual([true, true, true]);
  expect(['false', 'No', 'OFF'].map(kind.parse)).toEqual([false, false, false]);
  expect([true, false].map((value) => kind.parse(kind.format(value)))).toEqual([true, false]);
  for (const wrong of ['', '1', '0', 'y', 'true ', 'toString']) {
    expect(() => kind.parse(wrong)).toThrow('expected true, false, yes, no, on or off');
  }
});

test('a set of choices has at least one value, none twice, and no other value', () => {
  const { type: kind } = someOf(['RS256', 'RS384', 'HS256'], ['RS256'], '');
  expect(kind.parse('HS256, RS256,RS256')).toEqual(['RS256', 'HS256']);
  expect(kind.parse(kind.format(['RS384', 'HS256']))).toEqual(['RS384', 'HS256']);
  for (const wrong of ['', ',', 'none', 'rs256', 'RS256, none', 'RS256 HS256']) {
    expect(() => kind.parse(wrong)).toThrow('expected one or more of: RS256, RS384, HS256');
  }
});

describe('URLs', () => {
  const plain = url('http://a', ['http', 'https'], '').type;
  const placed = url('http://a/%s', ['http'], '', { placeholder: true }).type;

  test('only the given schemes are accepted', () => {
    expect(plain.parse('https://a.example:9000/x')).toBe('https://a.example:9000/x');
    for (const wrong of [
      'ftp://a.example',
      'a.example',
      'javascript:alert(1)',
      '',
      '//a.example',
      'http://',
    ]) {
      expect(() => plain.parse(wrong)).toThrow('expected a URL that starts with http: or https:');
    }
  });

  test('a placeholder must occur exactly once', () => {
    expect(placed.parse('http://a/%s/verify')).toBe('http://a/%s/verify');
    expect(() => placed.parse('http://a/verify')).toThrow('%s once');
    expect(() => placed.parse('http://a/%s/%s')).toThrow('%s once');
  });

  test('only an optional URL may be empty', () => {
    expect(url('', ['http'], '', { optional: true }).type.parse('')).toBe('');
    expect(() => plain.parse('')).toThrow('expected a URL');
  });
});

test('a key is secret only when it is marked as such', () => {
  expect([text('', '').secret, text('', '', { secret: true }).secret]).toEqual([false, true]);
});

describe('shares', () => {
  const { type: kind } = share('90%', '');
  test('are read from percentages and written back; off is 0', () => {
    for (let percent = 1; percent <= 100; percent++) {
      expect(kind.parse(`${percent}%`)).toBe(percent / 100);
      expect(kind.format(percent / 100)).toBe(`${percent}%`);
    }
    expect([kind.parse('off'), kind.format(0), kind.parse('5 %')]).toEqual([0, 'off', 0.05]);
  });

  test.each(['', '0%', '101%', '0.9', '90', '-1%', '1.5%', '%', 'Off'])('%j is refused', (written) =>
    expect(() => kind.parse(written)).toThrow('expected a percentage from 1% to 100%, or off'),
  );
});
