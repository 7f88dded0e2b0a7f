// When a RADIUS request is sent again: exponential backoff with jitter within the time of the whole wait. Used by client.ts.

/** A retransmission may be this much earlier or later. */
const jitter = 0.1;

/**
 * Milliseconds from the first packet to each retransmission: the waits double, and the last one ends at `timeoutMs`. With 10 s
 * and 3 retries about 0.7, 2 and 4.7 s.
 */
export function sendTimes(timeoutMs: number, retries: number, random: () => number): number[] {
  const first = timeoutMs / (2 ** (retries + 1) - 1);
  return Array.from({ length: retries }, (_, index) => {
    const factor = 1 - jitter + 2 * jitter * random();
    return Math.round(first * (2 ** (index + 1) - 1) * factor);
  });
}
