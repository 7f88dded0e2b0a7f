// The time that is left, as a ring that empties and in words. Used by page.tsx.

import { useEffect, useState } from 'preact/hooks';

/** Whole seconds until a time of `performance.now`, at least 0. */
export function useSecondsLeft(until: number): number {
  const left = (): number => Math.max(0, Math.ceil((until - performance.now()) / 1_000));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    setSeconds(left());
    const timer = window.setInterval(() => setSeconds(left()), 250);
    return () => window.clearInterval(timer);
  }, [until]);
  return seconds;
}

const radius = 9;
const length = 2 * Math.PI * radius;

/** @param of the seconds of a full ring */
export function Ring({ seconds, of }: { readonly seconds: number; readonly of: number }) {
  const shown = of > 0 ? Math.min(1, seconds / of) : 0;
  return (
    <svg class="ring" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r={radius} class="track" />
      <circle
        cx="12"
        cy="12"
        r={radius}
        class="left"
        transform="rotate(-90 12 12)"
        stroke-dasharray={length}
        stroke-dashoffset={length * (1 - shown)}
      />
    </svg>
  );
}
