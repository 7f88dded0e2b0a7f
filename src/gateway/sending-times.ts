// Reads when the SMS of a request may be sent: `schedule_at`, `valid_until` and `ttl`. Used by routes/outgoing.ts.

import { SwobError } from '../errors.ts';

const isoTime = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** A time of ISO 8601 with its offset, in milliseconds; undefined for undefined. Throws BAD_INPUT. */
export function readSendingTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, year, month, day] = isoTime.exec(text)?.map(Number) ?? [];
  const ms = Date.parse(text);
  // JavaScript takes 31 April for 1 May.
  const isDay = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() === day;
  if (isDay && !Number.isNaN(ms)) return ms;
  throw new SwobError(
    'BAD_INPUT',
    `${name}: expected a time of ISO 8601 with its offset, such as 2026-12-24T18:00:00+01:00`,
  );
}
