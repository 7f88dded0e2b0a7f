// Times as people read them. Used by the views.

import { useEffect, useState } from 'preact/hooks';

const units = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
  { name: 'second', seconds: 1 },
] as const;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** `3 minutes ago`, of Unix times in milliseconds. */
export function formatAgo(atMs: number, nowMs: number): string {
  const seconds = Math.round((atMs - nowMs) / 1_000);
  const { name, seconds: size } = units.find((unit) => Math.abs(seconds) >= unit.seconds) ?? units[3];
  return relative.format(Math.trunc(seconds / size), name);
}

export function formatTime(atMs: number): string {
  return absolute.format(atMs);
}

/** The time elapsed since then, kept up to date, with the exact time as its title. `at` is Unix time in milliseconds. */
export function Ago({ at }: { readonly at: number }) {
  const now = useNow(Date.now() - at < 60_000 ? 1_000 : 15_000);
  return (
    <time dateTime={new Date(at).toISOString()} title={formatTime(at)}>
      {formatAgo(at, now)}
    </time>
  );
}

/** The current time, updated every `everyMs` milliseconds. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
