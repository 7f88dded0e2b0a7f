// Expectations of a stub's journal: which requests, and how many. Used by `swob verify` and by the option --expect of the stubs.

import { SwobError } from '../errors.ts';
import type { JournalEntry } from './journal.ts';

/** A condition on one field of a request: `message~=Hello`. */
export interface Condition {
  /** As given, for messages. */
  readonly text: string;
  readonly field: string;
  matches(value: string | undefined): boolean;
}

/** A number of requests; `max` is absent where there is no limit. */
export interface Times {
  readonly min: number;
  readonly max?: number;
}

/** Requests that match all conditions; no condition matches every request. */
export interface Expectation {
  readonly received: readonly Condition[];
  readonly times: Times;
}

export interface Verdict {
  readonly isMet: boolean;
  readonly matched: readonly JournalEntry[];
  /** The other requests, each with the conditions that it does not meet. */
  readonly others: readonly { readonly entry: JournalEntry; readonly unmet: readonly Condition[] }[];
}

export const atLeastOnce: Times = { min: 1 };

/** `field=text`, `field!=text`, `field~=pattern` or `field!~=pattern`. Throws BAD_INPUT. */
export function parseCondition(text: string): Condition {
  const [, field, operator, operand = ''] = /^([A-Za-z_][\w.-]*)(=|!=|~=|!~=)(.*)$/s.exec(text) ?? [];
  if (field === undefined || operator === undefined) {
    throw new SwobError(
      'BAD_INPUT',
      `${JSON.stringify(text)}: expected field=text, field!=text, field~=pattern or field!~=pattern`,
    );
  }
  const test = operator.includes('~') ? patternTest(text, operand) : (value: string) => value === operand;
  const wanted = !operator.startsWith('!');
  return { text, field, matches: (value) => (value !== undefined && test(value)) === wanted };
}

function patternTest(text: string, pattern: string): (value: string) => boolean {
  try {
    const expression = new RegExp(pattern, 'u');
    return (value) => expression.test(value);
  } catch {
    throw new SwobError('BAD_INPUT', `${JSON.stringify(text)}: not a regular expression`);
  }
}

/** `2`, `>=2`, `<=2` or `1-3`. Throws BAD_INPUT. */
export function parseTimes(text: string): Times {
  const [, exact, least, most, from, to] =
    /^(?:(\d{1,6})|>=(\d{1,6})|<=(\d{1,6})|(\d{1,6})-(\d{1,6}))$/.exec(text) ?? [];
  if (exact !== undefined) return { min: Number(exact), max: Number(exact) };
  if (least !== undefined) return { min: Number(least) };
  if (most !== undefined) return { min: 0, max: Number(most) };
  if (from !== undefined && Number(from) <= Number(to)) return { min: Number(from), max: Number(to) };
  throw new SwobError(
    'BAD_INPUT',
    `${JSON.stringify(text)}: expected a number of requests: 2, >=2, <=2 or 1-3`,
  );
}

export function verify({ received, times }: Expectation, entries: readonly JournalEntry[]): Verdict {
  const judged = entries.map((entry) => ({
    entry,
    unmet: received.filter(({ field, matches }) => !matches(fieldOf(entry, field))),
  }));
  const matched = judged.filter(({ unmet }) => unmet.length === 0).map(({ entry }) => entry);
  const isMet = matched.length >= times.min && matched.length <= (times.max ?? Number.POSITIVE_INFINITY);
  return { isMet, matched, others: judged.filter(({ unmet }) => unmet.length > 0) };
}

/** A member of the body, else a parameter of the query, else method, path or status. */
export function fieldOf(
  { method, path, query, body, status }: JournalEntry,
  field: string,
): string | undefined {
  const named = { method, path, status: status ?? undefined };
  for (const fields of [body, query, named]) {
    const value: unknown = Object.hasOwn(fields, field) ? Reflect.get(fields, field) : undefined;
    if (value !== undefined) return typeof value === 'string' ? value : JSON.stringify(value);
  }
  return undefined;
}

/** `exactly 2 requests with message~=Hello`, for messages. */
export function describeExpectation({ received, times: { min, max } }: Expectation): string {
  const conditions = received.map(({ text }) => text).join(' and ');
  const count = (number: number): string => `${number} request${number === 1 ? '' : 's'}`;
  const amount =
    max === undefined
      ? `at least ${count(min)}`
      : min === max
        ? `exactly ${count(min)}`
        : `${min} to ${count(max)}`;
  return conditions === '' ? amount : `${amount} with ${conditions}`;
}
