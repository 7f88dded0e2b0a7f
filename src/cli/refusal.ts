// What a server's answer of 4xx or 5xx means to a command. Used by http-client.ts, sync-client.ts and `swob disconnect`.

import { type ErrorCode, SwobError } from '../errors.ts';
import { printable } from '../printable.ts';

/** As much of a server's answer as an error message shows. */
const maxShown = 300;

const statusCodes = new Map<number, ErrorCode>([
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [409, 'CONFLICT'],
  [413, 'TOO_LARGE'],
  [429, 'LIMITED'],
  [503, 'UNAVAILABLE'],
]);

export interface Refusal {
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
  /** Seconds, when the server named them. */
  readonly retryAfter: number | undefined;
}

/** The error of that status with the server's words; `name` is what the message calls the server. */
export function refusal({ status, statusText, text, retryAfter }: Refusal, name: string): SwobError {
  const words = shown(text) || shown(statusText) || 'no reason given';
  const code = statusCodes.get(status) ?? (status >= 400 && status < 500 ? 'BAD_INPUT' : 'UPSTREAM');
  return new SwobError(code, `the ${name} answered ${status}: ${withAdvice(words, retryAfter)}`, {
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** The words, and when to try again unless they say that already. */
export function withAdvice(words: string, retryAfter: number | undefined): string {
  const told = retryAfter === undefined || /try again/i.test(words);
  return told ? words : `${words}; try again in ${retryAfter} s`;
}

/** The seconds of a Retry-After header. */
export function secondsOf(header: string | null | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** The beginning of a text from outside, harmless in a message. */
export function shown(text: string): string {
  const line = printable(text.slice(0, 4 * maxShown)).trim();
  return line.length > maxShown ? `${line.slice(0, maxShown)}…` : line;
}
