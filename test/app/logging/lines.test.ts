// The format of a line on a terminal, and its time stamp.

import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { localTime } from '../../../src/app/logging/local-time.ts';
import { maxLineLength, parseLine, truncateLine } from '../../../src/app/logging/record.ts';
import { terminalFormat } from '../../../src/app/logging/terminal.ts';
import { longText } from '../../support/any-text.ts';

describe('time stamps', () => {
  const zone = process.env.TZ;
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  test.each([
    ['Asia/Novosibirsk', '2026-08-02T14:03:22.123+07:00'],
    ['America/St_Johns', '2026-08-02T04:33:22.123-02:30'],
    ['Africa/Douala', '2026-08-02T08:03:22.123+01:00'],
    ['UTC', '2026-08-02T07:03:22.123Z'],
  ])('are in the time of %s', (name, written) => {
    process.env.TZ = name;
    expect(localTime(Date.UTC(2026, 7, 2, 7, 3, 22, 123))).toBe(written);
  });

  test('are exact, also around daylight saving changes', () => {
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
    );
    fc.assert(
      fc.property(zones, fc.integer({ min: 0, max: 4_102_444_800_000 }), (name, ms) => {
        process.env.TZ = name;
        expect(Date.parse(localTime(ms))).toBe(ms);
      }),
    );
  });
});

describe('on a terminal', () => {
  const time = '2026-08-02T14:03:22.123+07:00';
  const line = {
    level: 40,
    time,
    service: 'gateway',
    msg: 'a message is tried again',
    attempts: 2,
    reason: 'no route',
  };

  test('a line has time, level, service, message, fields', () => {
    expect(terminalFormat(false)(line)).toBe(
      '14:03:22.123 WARN  gateway a message is tried again attempts=2 reason="no route"\n',
    );
    expect(terminalFormat(false)({ level: 30, time, msg: 'stopping' })).toBe('14:03:22.123 INFO  stopping\n');
  });

  test('colours do not change the text', () => {
    const coloured = terminalFormat(true)(line);
    expect(coloured).toContain('\u001b[33mWARN');
    expect(stripVTControlCharacters(coloured)).toBe(terminalFormat(false)(line));
  });

  test('control characters and line breaks are escaped', () => {
    const evil = fc.string({
      unit: fc.constantFrom('\u001b[2J', '\u001b]0;x\u0007', '\n', '\r', '\u202e', '"', 'a', ' '),
    });
    fc.assert(
      fc.property(evil, evil, evil, (msg, key, value) => {
        const text = terminalFormat(false)({
          level: 30,
          time,
          service: value,
          msg,
          [`${key}k`]: value,
          nested: { [key]: value },
        });
        expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
        expect(text.endsWith('\n')).toBe(true);
      }),
    );
  });
});

describe('a line that is too long', () => {
  const line = (msg: string, fields: object = {}): string =>
    `${JSON.stringify({ level: 50, time: 'now', service: 'sync', requestId: 'r1', ...fields, msg })}\n`;

  test('keeps the essential fields and its original length', () => {
    const complete = line('failed', { error: 'x'.repeat(20_000) });
    expect(parseLine(truncateLine(complete))).toEqual({
      level: 50,
      time: 'now',
      service: 'sync',
      requestId: 'r1',
      msg: 'failed',
      cutFrom: complete.length,
    });
  });

  test('no line exceeds the limit, and shorter ones are unchanged', () => {
    fc.assert(
      fc.property(longText({ min: 15_000, max: 20_000 }), (msg) => {
        const complete = line(msg);
        expect(truncateLine(complete).length).toBeLessThanOrEqual(maxLineLength);
        if (complete.length <= maxLineLength) expect(truncateLine(complete)).toBe(complete);
      }),
    );
  });
});
