// Keeps segments whose lines have expired by the wall clock alone, which may be far ahead while a machine starts: their lines
// are hidden, and come back when the store is opened with a correct clock. Used by segments.ts.

import type { Clock } from '../../domain/shared/ports.ts';
import type { SegmentLine } from './segment-lines.ts';

/** How long and how many lines of a folder are kept. */
export interface Retention<T> {
  readonly ttlMs: number;
  readonly max: number;
  /** The wall time at which a line expires; by default `ttlMs` after its `at`. */
  readonly expiryOf?: (line: SegmentLine<T>) => number;
}

export interface ExpiredSegments {
  /** A line of an earlier process, with the wall time at which it expires. */
  found(segment: number, expiresAt: number): void;
  added(segment: number, lines: number): void;
  removed(segment: number): void;
  /** The oldest of these unused segments, ascending, that must stay; later ones must stay too. */
  oldestKept(unused: readonly number[]): number | undefined;
  /** True once, when the process has run for long enough to remove what had expired when the store was opened. */
  takeDue(): boolean;
}

interface Facts {
  readonly segment: number;
  lines: number;
  /** When the last of its lines of an earlier process expires; undefined without any. */
  expiresAt: number | undefined;
  /** It had an expired line when the store was opened. */
  hadExpired: boolean;
}

/** Time for NTP or an operator to correct the clock. */
export const keptForMs = 3_600_000;

export function createExpiredSegments(clock: Pick<Clock, 'now' | 'monotonic'>, max: number): ExpiredSegments {
  const openedAt = { wall: clock.now(), monotonic: clock.monotonic() };
  const known = new Map<number, Facts>();
  /** Lines come segment by segment. */
  let last: Facts | undefined;
  let wasDue = false;
  const factsOf = (segment: number): Facts => {
    if (last?.segment === segment) return last;
    last = known.get(segment) ?? { segment, lines: 0, expiresAt: undefined, hadExpired: false };
    known.set(segment, last);
    return last;
  };
  const isLongOpen = (): boolean => clock.monotonic() - openedAt.monotonic >= keptForMs;
  const mustStay = (segment: number): boolean => {
    const { expiresAt, hadExpired } = factsOf(segment);
    if (expiresAt === undefined) return false;
    const isExpired = expiresAt <= clock.now();
    return (hadExpired || isExpired) && !(isExpired && isLongOpen());
  };
  /** So many later lines would have evicted those of the segment, whatever the time is; this bounds the files. */
  const isFollowedByMax = (segment: number): boolean => {
    let lines = 0;
    for (const each of known.values()) if (each.segment > segment) lines += each.lines;
    return lines >= max;
  };

  return {
    found: (segment, expiresAt) => {
      const facts = factsOf(segment);
      facts.lines++;
      if (facts.expiresAt === undefined || expiresAt > facts.expiresAt) facts.expiresAt = expiresAt;
      if (expiresAt <= openedAt.wall) facts.hadExpired = true;
    },
    added: (segment, lines) => {
      factsOf(segment).lines += lines;
    },
    removed: (segment) => {
      known.delete(segment);
      last = undefined;
    },
    oldestKept: (unused) => unused.find((segment) => mustStay(segment) && !isFollowedByMax(segment)),
    takeDue: () => {
      if (wasDue || !isLongOpen()) return false;
      wasDue = true;
      return [...known.values()].some(({ hadExpired }) => hadExpired);
    },
  };
}
