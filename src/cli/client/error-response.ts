// Maps an error response (4xx, 5xx) of a server to the error of a command. Used by http-client.ts, sync-client.ts and
// `swob disconnect`.

import { type ErrorCode, SwobError } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { printable } from '../../lib/printable.ts';

/** Characters of a response that an error message quotes at most. */
const maxExcerptLength = 300;

const statusCodes = new Map<number, ErrorCode>([
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [409, 'CONFLICT'],
  [413, 'TOO_LARGE'],
  [429, 'LIMITED'],
  [503, 'UNAVAILABLE'],
]);

export interface ErrorResponse {
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
  /** Seconds, from the Retry-After header. */
  readonly retryAfter: number | undefined;
}

/** The error for the status, with the server's message; `name` is the server's name in it. */
export function responseError(
  { status, statusText, text, retryAfter }: ErrorResponse,
  name: string,
): SwobError {
  const words = excerpt(reasonOf(text)) || excerpt(statusText) || 'no reason given';
  const code = statusCodes.get(status) ?? (status >= 400 && status < 500 ? 'BAD_INPUT' : 'UPSTREAM');
  return new SwobError(code, `the ${name} responded with ${status}: ${withRetryAdvice(words, retryAfter)}`, {
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** What a JSON body gives as its reason, else the body. */
function reasonOf(text: string): string {
  const body = tryParseJson(text);
  const { fail, error, detail } = isObject(body) ? body : {};
  return [fail, error, detail].find((reason) => typeof reason === 'string') ?? text;
}

/** The message with the time of the next attempt, unless it already contains that. */
export function withRetryAdvice(words: string, retryAfter: number | undefined): string {
  const isComplete = retryAfter === undefined || /try again/i.test(words);
  return isComplete ? words : `${words}; try again in ${retryAfter} s`;
}

/** The seconds of a Retry-After header. */
export function parseRetryAfter(header: string | null | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** The beginning of an untrusted text, safe for a message. */
export function excerpt(text: string): string {
  const line = printable(text.slice(0, 4 * maxExcerptLength)).trim();
  return line.length > maxExcerptLength ? `${line.slice(0, maxExcerptLength)}…` : line;
}
