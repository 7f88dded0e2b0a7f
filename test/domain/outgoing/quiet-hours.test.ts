// Quiet hours in time zones, over clock changes.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createQuietTimes } from '../../../src/domain/outgoing/quiet-hours.ts';

const hour = 60;
const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString();

test.each([
  ['Africa/Douala', '22:00-06:00', '2026-03-01T21:30:00Z', '2026-03-02T05:00:00.000Z'],
  ['Africa/Douala', '22:00-06:00', '2026-03-01T12:00:00Z', '2026-03-01T21:00:00.000Z'],
  // Clocks go forward from 02:00 to 03:00: the end is skipped.
  ['Europe/Berlin', '22:00-02:30', '2026-03-29T00:30:00Z', '2026-03-29T01:00:00.000Z'],
  ['Europe/Berlin', '22:00-06:00', '2026-03-29T00:30:00Z', '2026-03-29T04:00:00.000Z'],
  // Clocks go back from 03:00 to 02:00: 02:30 comes twice.
  ['Europe/Berlin', '22:00-02:30', '2026-10-25T00:00:00Z', '2026-10-25T00:30:00.000Z'],
  ['Europe/Berlin', '22:00-02:30', '2026-10-25T00:45:00Z', '2026-10-25T01:00:00.000Z'],
  ['Europe/Berlin', '22:00-06:00', '2026-10-25T00:00:00Z', '2026-10-25T05:00:00.000Z'],
  // Half an hour, and a day that was left out.
  ['Australia/Lord_Howe', '22:00-02:15', '2026-10-03T14:00:00Z', '2026-10-03T15:30:00.000Z'],
  ['Pacific/Apia', '23:00-01:00', '2011-12-30T09:30:00Z', '2011-12-30T11:00:00.000Z'],
])('in %s with %s, the next change after %s is %s', (timeZone, span, start, end) => {
  expect(iso(createQuietTimes({ ...parse(span), timeZone }).nextChange(at(start)))).toBe(end);
});

const zones = [
  'UTC',
  'Africa/Douala',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Apia',
] as const;
/** Half of the instants are near a clock change in Europe or America, in either direction. */
const changes = ['2026-03-29T01:00Z', '2026-10-25T01:00Z', '2026-03-08T07:00Z', '2026-11-01T06:00Z'].map(at);
const instant = fc.oneof(
  fc.integer({ min: at('2020-01-01'), max: at('2035-01-01') }),
  fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -86_400_000, max: 86_400_000 }))
    .map(([change, offset]) => change + offset),
);
const minuteOfDay = fc.integer({ min: 0, max: 24 * hour - 1 });

test('a change is the first instant at which the wall clock says so', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      minuteOfDay,
      minuteOfDay,
      instant,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { maxLength: 8 }),
      (timeZone, from, to, start, shares) => {
        fc.pre(from !== to);
        const times = createQuietTimes({ from, to, timeZone });
        const end = times.nextChange(start);
        const wasQuiet = isQuietByTheClock(start, from, to, timeZone);
        expect(times.isQuiet(start)).toBe(wasQuiet);
        expect(isQuietByTheClock(end, from, to, timeZone)).toBe(!wasQuiet);
        for (const between of [end - 1, ...shares.map((share) => start + Math.floor(share * (end - start)))])
          expect(isQuietByTheClock(between, from, to, timeZone)).toBe(wasQuiet);
      },
    ),
    { numRuns: 300 },
  );
});

const clocks = new Map<string, Intl.DateTimeFormat>();

function isQuietByTheClock(ms: number, from: number, to: number, timeZone: string): boolean {
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' });
  clocks.set(timeZone, clock);
  const minute = minuteOf(clock.format(ms));
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * hour + minutes;
}

function parse(span: string): { from: number; to: number } {
  const [from = 0, to = 0] = span.split('-').map(minuteOf);
  return { from, to };
}
