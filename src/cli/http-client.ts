// Calls a daemon over HTTP for the client commands: bounded in time and size, with errors that say
// what to do. By node:http: what node-fetch needs besides takes a sixth of the time of a command.

import { type IncomingMessage, request as requestHttp } from 'node:http';
import { errnoOf, messageOf, SwobError } from '../errors.ts';
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
      const response = await send(new URL(url), {
        method,
        headers: { ...(body && { 'Content-Type': 'application/json' }), ...headers },
        body: body && JSON.stringify(body),
        signal: AbortSignal.any([signal, deadline]),
        agent,
      });
      const { statusCode: status = 0, statusMessage: statusText = '' } = response;
      // A redirected POST would carry tokens and keys to a place that nobody named.
      if (status >= 300 && status < 400) throw redirected(response, name);
      return {
        status,
        statusText,
        text: await textOf(response),
        retryAfter: secondsOf(response.headers['retry-after']),
        header: (wanted) => [response.headers[wanted.toLowerCase()]].flat()[0],
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

/** @returns the answer once its headers are there; its body is still to be read. */
async function send(
  url: URL,
  call: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
    readonly signal: AbortSignal;
    readonly agent: Daemon['agent'];
  },
): Promise<IncomingMessage> {
  const { body, agent, ...options } = call;
  const secure = url.protocol === 'https:';
  // Importing node:tls reads every root certificate, and most daemons on this machine are asked without.
  const request = secure ? (await import('node:https')).request : requestHttp;
  return new Promise((resolve, reject) => {
    // Without an agent each call has a connection of its own.
    request(url, { ...options, agent: (secure && agent) || false })
      .on('error', reject)
      .on('response', resolve)
      .end(body);
  });
}

class TooLarge extends Error {}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new TooLarge();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function redirected(response: IncomingMessage, name: string): SwobError {
  response.destroy();
  const location = shown(response.headers.location ?? 'elsewhere');
  return new SwobError('UPSTREAM', `the server redirects to ${location}; name the ${name} with --url`);
}

function failure(
  name: string,
  origin: string,
  error: unknown,
  timedOutAfterMs: number | undefined,
): SwobError {
  if (error instanceof TooLarge) {
    return new SwobError('UPSTREAM', `the answer of ${origin} is larger than 8 MiB`, { cause: error });
  }
  const advice = 'start one with `swob serve`, or name it with --url';
  if (timedOutAfterMs !== undefined) {
    const message = `no answer from ${origin} within ${timedOutAfterMs / 1000} s; ${advice}`;
    return new SwobError('UNREACHABLE', message, { cause: error });
  }
  if (errnoOf(error) === 'ECONNREFUSED') {
    return new SwobError('UNREACHABLE', `no ${name} at ${origin}; ${advice}`, { cause: error });
  }
  const reason = shown(messageOf(error));
  return new SwobError('UNREACHABLE', `cannot call the ${name} at ${origin}: ${reason}; ${advice}`, {
    cause: error,
  });
}
