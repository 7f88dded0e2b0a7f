// One request over one connection, bounded in time and size. Used by pcrf.ts and publisher.ts.

import type { IncomingHttpHeaders } from 'node:http';
import type { Client, Dispatcher } from 'undici';
import type { Clock } from '../domain/ports.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Why there is no answer; `code` is the system's or undici's name of the error. */
export type Failure =
  | { readonly kind: 'timeout' }
  | { readonly kind: 'too large' }
  /** No connection was made, so nothing was sent. */
  | { readonly kind: 'unreachable'; readonly code: string }
  | { readonly kind: 'broken'; readonly code: string };

export class ExchangeError extends Error {
  readonly failure: Failure;
  /** The answer's, when the failure came only after it. */
  readonly status: number | undefined;

  constructor(failure: Failure, status: number | undefined) {
    super(failure.kind);
    this.failure = failure;
    this.status = status;
  }
}

export interface ExchangeOptions {
  /** GET, unless given. */
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for everything: connecting, asking, and the whole answer. */
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly clock: Clock;
}

/**
 * Asks once, and once more when the connection was refused, as nothing was sent then. No redirect is followed
 * and nothing is decompressed. Throws ExchangeError; the connection has to be destroyed then.
 */
export function exchange(client: Client, options: ExchangeOptions): Promise<Answer> {
  const { method = 'GET', path, headers, body = null, timeoutMs, maxBodyBytes, clock } = options;
  return new Promise((resolve, reject) => {
    let status: number | undefined;
    const fail = (failure: Failure): void => {
      cancel();
      reject(new ExchangeError(failure, status));
    };
    const cancel = clock.after(timeoutMs, () => fail({ kind: 'timeout' }));

    const ask = (again: boolean): void => {
      let connected = false;
      let answered: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      let length = 0;
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: () => {
          connected = true;
        },
        // Comes again after each 1xx but 100, which was not asked for and which undici refuses.
        onResponseStart: (_controller, code, answerHeaders) => {
          if (code < 200) return;
          status = code;
          answered = answerHeaders;
        },
        onResponseData: (_controller, chunk) => {
          length += chunk.length;
          if (length > maxBodyBytes) fail({ kind: 'too large' });
          else chunks.push(chunk);
        },
        onResponseEnd: () => {
          cancel();
          resolve({ status: status ?? 0, headers: answered, body: Buffer.concat(chunks) });
        },
        onResponseError: (_controller, error) => {
          const code = codeOf(error);
          if (connected) fail({ kind: 'broken', code });
          // Not now: undici is still taking the failed connection down.
          else if (again && code === 'ECONNREFUSED') queueMicrotask(() => ask(false));
          else fail({ kind: 'unreachable', code });
        },
      };
      client.dispatch({ method, path, headers: { ...headers }, body }, handler);
    };
    ask(true);
  });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
