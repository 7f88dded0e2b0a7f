// HTTP client of the commands: bounds time and size of every call, and words errors so that they say what to do. By node:http: what node-fetch needs besides takes a sixth of the time of a command.

import type { IncomingMessage } from 'node:http';
import { messageOf, SwobError, systemErrorCode } from '../../errors.ts';
import { collectStream } from '../../lib/collect-bytes.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import type { Endpoint } from './endpoints.ts';
import { type ErrorResponse, excerpt, parseRetryAfter, responseError } from './error-response.ts';

const mebibyte = 1024 * 1024;
const defaultMaxBytes = 8 * mebibyte;

interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Path below the base URL, with its leading slash; or an absolute URL. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpResponse extends Omit<ErrorResponse, 'statusText'> {
  /** The value of a response header. */
  header(name: string): string | undefined;
}

export interface HttpClient {
  readonly baseUrl: string;
  /**
   * The body of a 2xx response. Throws UNREACHABLE when there is no response in time, UPSTREAM when the response is
   * unusable, for 4xx and 5xx the error of that status with the server's message, and the reason of the signal.
   */
  text(call: HttpRequest): Promise<string>;
  /** The same, parsed as JSON. */
  json(call: HttpRequest): Promise<unknown>;
  /** A response of any status but a redirect; throws UNREACHABLE and UPSTREAM as `text` does. */
  request(call: HttpRequest): Promise<HttpResponse>;
}

export interface HttpClientOptions extends Endpoint {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Of the body of a response; 8 MiB by default. */
  readonly maxBytes?: number;
  /** The name of the service in error messages. */
  readonly name?: string;
  /** Where its URL is given, for error messages. */
  readonly urlFrom?: string;
  /** The command that starts it, for error messages. */
  readonly startedBy?: string;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { baseUrl, agent, signal, timeoutMs = 10_000, name = 'gateway' } = options;
  const { urlFrom = '--url', startedBy = 'swob serve', maxBytes = defaultMaxBytes } = options;
  const naming = `name the ${name} with ${urlFrom}`;

  const request = async ({
    method = 'GET',
    path,
    body,
    headers,
  }: HttpRequest): Promise<HttpResponse & ErrorResponse> => {
    const url = /^https?:/.test(path) ? path : `${baseUrl}${path}`;
    const deadline = AbortSignal.timeout(timeoutMs);
    const payload = body && JSON.stringify(body);
    try {
      const response = await sendRequest(new URL(url), {
        method,
        headers: {
          // Node sends no length with the body of a DELETE, so that servers would take it for the next request.
          ...(payload !== undefined && {
            'Content-Type': 'application/json',
            'Content-Length': String(Buffer.byteLength(payload)),
          }),
          ...headers,
        },
        body: payload,
        signal: AbortSignal.any([signal, deadline]),
        agent,
      });
      const { statusCode: status = 0, statusMessage: statusText = '' } = response;
      // Following a redirect could send tokens and keys to a host that the user did not choose.
      if (status >= 300 && status < 400) throw redirectError(response, naming);
      return {
        status,
        statusText,
        text: await textOf(response, maxBytes),
        retryAfter: parseRetryAfter(response.headers['retry-after']),
        header: (wanted) => [response.headers[wanted.toLowerCase()]].flat()[0],
      };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SwobError) throw error;
      const { origin } = new URL(url);
      const advice = `start it with \`${startedBy}\`, or name another one with ${urlFrom}`;
      if (deadline.aborted)
        throw unreachable(`no response from ${origin} within ${timeoutMs / 1000} s; ${advice}`, error);
      throw networkError({ name, origin, naming, advice, maxBytes }, error);
    }
  };
  /** Undefined when the response may be that of the service. */
  const otherServiceError = (response: ErrorResponse, { path }: HttpRequest): SwobError | undefined => {
    const [pathname] = path.split('?');
    if (response.status === 426)
      return new SwobError('UPSTREAM', `${baseUrl} speaks websocket only; ${naming}`);
    if (response.status !== 404 || !isMissingPath(response.text)) return undefined;
    return new SwobError('UPSTREAM', `${baseUrl} has no ${pathname}; ${naming}`);
  };
  const text = async (call: HttpRequest): Promise<string> => {
    const response = await request(call);
    if (response.status >= 200 && response.status < 300) return response.text;
    throw otherServiceError(response, call) ?? responseError(response, name);
  };

  return {
    baseUrl,
    request,
    text,
    json: async (call) => {
      const response = await text(call);
      try {
        return JSON.parse(response);
      } catch {
        throw new SwobError('UPSTREAM', `${baseUrl} did not respond with JSON: ${excerpt(response)}`);
      }
    },
  };
}

/** Resolves once the response headers have arrived. */
async function sendRequest(
  url: URL,
  call: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
    readonly signal: AbortSignal;
    readonly agent: Endpoint['agent'];
  },
): Promise<IncomingMessage> {
  const { body, agent, ...options } = call;
  const secure = url.protocol === 'https:';
  // Loaded on use: many commands call no service, most local services use plain HTTP, and node:tls loads all root certificates. Without
  // `import`, which would load fetch for `http.WebSocket` on Node 22 and later.
  const { request } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    // `false` opens a connection per call.
    request(url, { ...options, agent: (secure && agent) || false })
      .on('error', reject)
      .on('response', resolve)
      // Without a listener Node closes the connection, and says nothing.
      .on('upgrade', (_response, socket) => {
        socket.destroy();
        reject(new Error('it switches to another protocol'));
      })
      .end(body);
  });
}

class TooLarge extends Error {}

async function textOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  const bytes = await collectStream(response, maxBytes);
  if (!bytes) throw new TooLarge();
  return new TextDecoder().decode(bytes);
}

/** Whether a 404 is about the path: services of swob name what else they did not find. */
function isMissingPath(text: string): boolean {
  return text === 'not found' || text.trimStart().startsWith('<') || failOf(text) === 'not found';
}

/** The reason in a response of the disconnect service. */
function failOf(text: string): unknown {
  const body = tryParseJson(text);
  return isObject(body) ? body.fail : undefined;
}

function redirectError(response: IncomingMessage, naming: string): SwobError {
  response.destroy();
  const location = excerpt(response.headers.location ?? 'elsewhere');
  return new SwobError('UPSTREAM', `the server redirects to ${location}; ${naming}`);
}

interface Called {
  readonly name: string;
  readonly origin: string;
  /** What to do when another service responds, and when none does. */
  readonly naming: string;
  readonly advice: string;
  readonly maxBytes: number;
}

function networkError({ name, origin, naming, advice, maxBytes }: Called, error: unknown): SwobError {
  if (error instanceof TooLarge) {
    const size = `${maxBytes / mebibyte} MiB`;
    return new SwobError('UPSTREAM', `the response of ${origin} is larger than ${size}`, { cause: error });
  }
  const code = systemErrorCode(error);
  if (code === 'ECONNREFUSED') return unreachable(`no ${name} at ${origin}; ${advice}`, error);
  if (code === 'EPROTO') {
    return unreachable(`${origin} does not speak TLS as expected; ${naming}, as http://… without TLS`, error);
  }
  return unreachable(`cannot call the ${name} at ${origin}: ${excerpt(messageOf(error))}; ${advice}`, error);
}

function unreachable(message: string, cause: unknown): SwobError {
  return new SwobError('UNREACHABLE', message, { cause });
}
