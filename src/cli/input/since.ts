// Parses `--since`: an age such as 10m, or a time. Used by commands that list what has happened.

import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/value-types.ts';

/** Milliseconds: an age, or a Unix time. */
export type Since = { readonly age: number } | { readonly at: number };

export const sinceHelp = 'only the last, such as 10m, or since a time of ISO 8601';

export function parseSince(text: string): Since {
  try {
    return { age: parseDuration(text) };
  } catch {
    const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
    if (at >= 0) return { at };
    throw new InvalidArgumentError(
      'Expected a duration such as 10m, or a time such as 2026-11-25T16:20:18Z.',
    );
  }
}

/** Unix time in milliseconds. */
export function timeOfSince(since: Since, now: number): number {
  return 'at' in since ? since.at : Math.max(0, now - since.age);
}
