// Calls a daemon over HTTP for the client commands: bounded in time and size, with errors that say
// what to do. The only file of the command line that uses node-fetch.

import fetch, { FetchError, type Response } from 'node-fetch';
import { messageOf, SwobError } from '../errors.ts';
import type { Daemon } from './daemon.ts';
import { type Refusal, refusal, secondsOf, shown } from './refusal.ts';

const maxBytes = 8 * 1024 * 1024;

interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL, with its slash; or a whole URL. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer extends Omit<Refusal, 'statusText'> {
  /** The value of a header of the answer. */
  header(name: string): string | undefined;
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
  /** An answer of any status but a redirect; throws UNREACHABLE and UPSTREAM as `text` does. */
  exchange(call: Call): Promise<Answer>;
}

export interface HttpClientOptions extends Daemon {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** What errors call the daemon. */
  readonly name?: string;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { baseUrl, agent, signal, timeoutMs = 10_000, name = 'gateway' } = options;

  const exchange = async ({ method = 'GET', path, body, headers }: Call): Promise<Answer & Refusal> => {
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
      const { status, statusText } = response;
      if (status >= 300 && status < 400) throw redirected(response, name);
      return {
        status,
        statusText,
        text: await response.text(),
        retryAfter: secondsOf(response.headers.get('retry-after')),
        header: (wanted) => response.headers.get(wanted) ?? undefined,
      };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SwobError) throw error;
      throw failure(name, new URL(url).origin, error, deadline.aborted ? timeoutMs : undefined);
    }
  };
  const text = async (call: Call): Promise<string> => {
    const answer = await exchange(call);
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw refusal(answer, name);
  };

  return {
    baseUrl,
    exchange,
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

function redirected(response: Response, name: string): SwobError {
  const location = shown(response.headers.get('location') ?? 'elsewhere');
  return new SwobError('UPSTREAM', `the server redirects to ${location}; name the ${name} with --url`);
}

function failure(
  name: string,
  origin: string,
  error: unknown,
  timedOutAfterMs: number | undefined,
): SwobError {
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
    return new SwobError('UNREACHABLE', `no ${name} at ${origin}; ${advice}`, { cause: error });
  }
  const reason = shown(messageOf(error).replace(/^.*?reason: /s, ''));
  return new SwobError('UNREACHABLE', `cannot call the ${name} at ${origin}: ${reason}; ${advice}`, {
    cause: error,
  });
}
