// Calls a gateway over HTTP for the client commands: bounded in time and size, with errors that say
// what to do. The only file of the command line that uses node-fetch.

import fetch, { FetchError, type Response } from 'node-fetch';
import { type ErrorCode, messageOf, SwobError } from '../errors.ts';
import type { Daemon } from './daemon.ts';
import { printable } from './printer.ts';

const maxBytes = 8 * 1024 * 1024;
/** As much of a server's answer as an error message shows. */
const maxShown = 300;

interface Call {
  readonly method?: 'GET' | 'POST';
  /** Below the base URL, with its slash; or a whole URL. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpClient {
  readonly baseUrl: string;
  /**
   * The text of a 2xx answer. Throws UNREACHABLE when nobody answers in time, UPSTREAM when the answer makes
   * no sense, and for 4xx and 5xx the error of that status with the server's words; the signal's reason when aborted.
   */
  text(call: Call): Promise<string>;
  /** The same, read as JSON. */
  json(call: Call): Promise<unknown>;
}

export interface HttpClientOptions extends Daemon {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { baseUrl, agent, signal, timeoutMs = 10_000 } = options;

  const text = async ({ method = 'GET', path, body, headers }: Call): Promise<string> => {
    const url = /^https?:/.test(path) ? path : `${baseUrl}${path}`;
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method,
        headers: { ...(body && { 'Content-Type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
        // A redirected POST would carry tokens and keys to a place that nobody named.
        redirect: 'manual',
        size: maxBytes,
        signal: AbortSignal.any([signal, deadline]),
        ...(agent && url.startsWith('https:') && { agent }),
      });
      const answer = await response.text();
      if (response.ok) return answer;
      throw refusal(response, answer);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SwobError) throw error;
      throw failure(new URL(url).origin, error, deadline.aborted ? timeoutMs : undefined);
    }
  };

  return {
    baseUrl,
    text,
    json: async (call) => {
      const answer = await text(call);
      try {
        return JSON.parse(answer);
      } catch {
        throw new SwobError('UPSTREAM', `${baseUrl} did not answer with JSON: ${shown(answer)}`);
      }
    },
  };
}

const statusCodes = new Map<number, ErrorCode>([
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [409, 'CONFLICT'],
  [413, 'TOO_LARGE'],
  [429, 'LIMITED'],
  [503, 'UNAVAILABLE'],
]);

function refusal(response: Response, answer: string): SwobError {
  const { status } = response;
  const text = shown(answer) || printable(response.statusText) || 'no reason given';
  if (status >= 300 && status < 400) {
    const location = shown(response.headers.get('location') ?? 'elsewhere');
    return new SwobError('UPSTREAM', `the server redirects to ${location}; name the gateway with --url`);
  }
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const code = statusCodes.get(status) ?? (status < 500 ? 'BAD_INPUT' : 'UPSTREAM');
  const again = Number.isFinite(retryAfter) ? `; try again in ${retryAfter} s` : '';
  return new SwobError(code, `the gateway answered ${status}: ${text}${again}`, {
    ...(Number.isFinite(retryAfter) && { retryAfter }),
  });
}

function failure(origin: string, error: unknown, timedOutAfterMs: number | undefined): SwobError {
  if (error instanceof FetchError && error.type === 'max-size') {
    return new SwobError('UPSTREAM', `the answer of ${origin} is larger than 8 MiB`, { cause: error });
  }
  const advice = 'start one with `swob serve`, or name it with --url';
  if (timedOutAfterMs !== undefined) {
    const message = `no answer from ${origin} within ${timedOutAfterMs / 1000} s; ${advice}`;
    return new SwobError('UNREACHABLE', message, { cause: error });
  }
  const code = error instanceof FetchError ? error.code : undefined;
  if (code === 'ECONNREFUSED') {
    return new SwobError('UNREACHABLE', `no gateway at ${origin}; ${advice}`, { cause: error });
  }
  const reason = shown(messageOf(error).replace(/^.*?reason: /s, ''));
  return new SwobError('UNREACHABLE', `cannot call the gateway at ${origin}: ${reason}; ${advice}`, {
    cause: error,
  });
}

/** The beginning of a text from outside, harmless in a message. */
function shown(text: string): string {
  const line = printable(text.slice(0, 4 * maxShown)).trim();
  return line.length > maxShown ? `${line.slice(0, maxShown)}…` : line;
}
