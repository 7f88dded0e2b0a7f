// Timestamps in the time zone of the process (TZ). Used by every log line.

/** ISO 8601 with milliseconds and the offset: `2026-08-02T14:03:22.123+07:00`; `Z` for no offset. */
export function localTime(ms: number): string {
  const offset = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + offset * 60_000).toISOString();
  if (offset === 0) return local;
  const hours = Math.floor(Math.abs(offset) / 60);
  const minutes = Math.abs(offset) % 60;
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${local.slice(0, -1)}${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`;
}
