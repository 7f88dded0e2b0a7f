// Hours of the day in which no SMS is sent, by the wall clock of a time zone, also over its clock changes. Used by pacing.ts.

import type { QuietHours } from './model.ts';

export interface QuietTimes {
  isQuiet(at: number): boolean;
  /** The first instant after `at` at which quiet hours begin or end; Unix times in milliseconds. */
  nextChange(at: number): number;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Clock changes between an instant and the next change; a zone has two a year. */
const maxClockChanges = 4;

/** Throws RangeError for an unknown time zone. */
export function createQuietTimes({ from, to, timeZone }: Omit<QuietHours, 'operatorName'>): QuietTimes {
  const offsetAt = zoneOffset(timeZone);

  const isQuiet = (at: number): boolean => {
    const minute = timeOfDay(at + offsetAt(at)) / minuteMs;
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
  };

  /** The first instant after `start` with another offset than there; `end` has another one. */
  const clockChange = (start: number, end: number): number => {
    const offset = offsetAt(start);
    let [before, after] = [start, end];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offsetAt(middle) === offset) before = middle;
      else after = middle;
    }
    return after;
  };

  return {
    isQuiet,
    nextChange: (at) => {
      const wasQuiet = isQuiet(at);
      const boundary = (wasQuiet ? to : from) * minuteMs;
      let start = at;
      for (let changes = 0; ; changes++) {
        const offset = offsetAt(start);
        const next = start + (timeOfDay(boundary - timeOfDay(start + offset)) || dayMs);
        if (offsetAt(next) === offset || changes === maxClockChanges) return next;
        // The clock changes before it shows the boundary; it may skip the boundary, or come back before it.
        start = clockChange(start, next);
        if (isQuiet(start) !== wasQuiet) return start;
      }
    },
  };
}

/** The first instant from `at` on that is in no quiet hours. */
export function firstNotQuiet(quiet: QuietTimes | undefined, at: number): number {
  return quiet?.isQuiet(at) ? quiet.nextChange(at) : at;
}

/** Longer forecasts end with the last of these. */
const maxSpans = 100;

/** @returns when so many milliseconds have passed since `start` that are in no quiet hours */
export function createSendingTimes(quiet: QuietTimes | undefined, start: number): (ms: number) => number {
  if (!quiet) return (ms) => start + ms;
  /** The spans between quiet hours, with the milliseconds of those before. */
  const spans: { readonly begin: number; readonly end: number; readonly before: number }[] = [];
  const addSpan = (after: number, before: number): void => {
    const begin = firstNotQuiet(quiet, after);
    spans.push({ begin, end: quiet.nextChange(begin), before });
  };
  addSpan(start, 0);
  return (ms) => {
    for (let last = spans.at(-1); last && spans.length < maxSpans; last = spans.at(-1)) {
      const total = last.before + last.end - last.begin;
      if (ms < total) break;
      addSpan(last.end, total);
    }
    const span = spans.findLast(({ before }) => before <= ms);
    return span ? span.begin + ms - span.before : start + ms;
  };
}

function timeOfDay(ms: number): number {
  return ((ms % dayMs) + dayMs) % dayMs;
}

/** What the wall clock of a zone is ahead of UTC at an instant, in milliseconds. */
function zoneOffset(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const seconds = Math.floor(at / 1_000) * 1_000;
    const parts = new Map(format.formatToParts(seconds).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const wall = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return wall - seconds;
  };
}
