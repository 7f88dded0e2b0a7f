// One HTTP request over one connection, bounded in time and size. Used by connection-pool.ts and http-client.ts.

import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Client, Dispatcher } from 'undici';
import type { Clock } from '../domain/shared/ports.ts';
import { ByteCollector } from '../lib/collect-bytes.ts';
import { nextTurn } from '../lib/next-turn.ts';

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty where the body was not read. */
  readonly body: Buffer;
}

/** Why there is no response; `code` is that of the system or of undici. */
export type HttpFailure = (
  | { readonly kind: 'timeout' | 'too large' }
  /** No connection was made, so nothing was sent. */
  | { readonly kind: 'unreachable'; readonly code: string }
  | { readonly kind: 'broken'; readonly code: string }
) & {
  /** The status of the response, when the failure came after it. */
  readonly status: number | undefined;
  /** Whether writing the request began, with `beforeSend` after it, so that the server may have acted on it. */
  readonly sent: boolean;
};

export type HttpResult = HttpResponse | HttpFailure;

/** The connection below a client. */
export interface ReusedConnection {
  /** Whether it was open before the current request. */
  wasOpen(): boolean;
  /** The client opens a new connection for its next request. */
  renew(): void;
}

export interface HttpRequestOptions {
  /** GET unless given. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /**
   * For a request with a body. Runs once connected, before the first byte is sent; when it rejects, so does the
   * request, and nothing is sent.
   */
  readonly beforeSend?: () => Promise<void>;
  /** Milliseconds from connecting to the last byte of the response. */
  readonly timeoutMs: number;
  /** Milliseconds until the request must have been sent; `timeoutMs` unless given. */
  readonly sendTimeoutMs?: number;
  readonly maxBodyBytes: number;
  /** Whether to read the body of a response with this status; always, unless given. */
  readonly readsBody?: (status: number) => boolean;
  /** Sends `Connection: close`. */
  readonly closes?: boolean;
  /** Ends the request with code ABORT_ERR. */
  readonly signal?: AbortSignal;
}

/** How a request is sent, beside what it is. */
export interface SendingOptions {
  readonly clock: Pick<Clock, 'after'>;
  /** Repeats the request once when the server had given this connection up before it read the request. */
  readonly repeatsOn?: ReusedConnection | undefined;
}

const always = (): boolean => true;

/**
 * Sends a request, and once more when the connection was refused, as nothing was sent then. No redirect is followed and
 * nothing is decompressed. After a failure or an unread body the client is destroyed, and the connection with it.
 */
export async function sendRequest(
  client: Client,
  request: HttpRequestOptions,
  sending: SendingOptions,
): Promise<HttpResult> {
  const { readsBody = always } = request;
  let reusable = false;
  try {
    const result = await dispatch(client, request, sending);
    reusable = result.kind === 'response' && readsBody(result.status);
    return result;
  } finally {
    if (!reusable) void client.destroy();
  }
}

function dispatch(
  client: Client,
  options: HttpRequestOptions,
  { clock, repeatsOn }: SendingOptions,
): Promise<HttpResult> {
  const { method = 'GET', path, headers, body = null, timeoutMs, maxBodyBytes, signal } = options;
  const { beforeSend, sendTimeoutMs = timeoutMs, readsBody = always, closes: reset = false } = options;
  const prepares = beforeSend !== undefined && body !== null;
  return new Promise((resolve, reject) => {
    let status: number | undefined;
    let sent = false;
    const end = (result: HttpResult): void => {
      cancel();
      resolve(result);
    };
    const timeOut = (): void => end({ kind: 'timeout', status, sent });
    const abort = (): void => end({ kind: 'broken', code: 'ABORT_ERR', status, sent });
    const cancelWhole = clock.after(timeoutMs, timeOut);
    const cancelSending =
      sendTimeoutMs < timeoutMs
        ? clock.after(sendTimeoutMs, () => {
            if (!sent) timeOut();
          })
        : () => {};
    const cancel = (): void => {
      cancelWhole();
      cancelSending();
      signal?.removeEventListener('abort', abort);
    };
    signal?.addEventListener('abort', abort);
    const withPreparation = (
      request: Dispatcher.DispatchOptions,
      text: string,
    ): Dispatcher.DispatchOptions => {
      const bytes = Buffer.from(text);
      const contentLength = { 'content-length': String(bytes.length) };
      return {
        ...request,
        headers: { ...headers, ...contentLength },
        body: Readable.from(bodyWhenPrepared(bytes)),
      };
    };
    const prepare = async (): Promise<void> => {
      try {
        await beforeSend?.();
      } catch (error) {
        cancel();
        reject(error);
        throw error;
      }
      // An idle connection may have been closed meanwhile, which is noticed between two turns of the event loop.
      await nextTurn();
    };
    /** Read once connected, before the headers are written. */
    async function* bodyWhenPrepared(bytes: Buffer): AsyncGenerator<Buffer> {
      await prepare();
      // Headers and body are written together, in this turn of the event loop.
      sent = true;
      yield bytes;
    }
    /** An open connection needs no stream that waits for it, which costs more than all the rest of a request. */
    const sendWhenPrepared = async (
      request: Dispatcher.DispatchOptions,
      handler: Dispatcher.DispatchHandler,
    ): Promise<void> => {
      await prepare();
      // After a timeout the client is destroyed, and sends nothing.
      client.dispatch(request, handler);
    };

    const attempt = (retries: boolean): void => {
      const wasOpen = client.stats.connected;
      let connected = false;
      let responseHeaders: IncomingHttpHeaders = {};
      const received = new ByteCollector({ limit: maxBodyBytes });
      const respond = (code: number, bytes: Buffer): void =>
        end({ kind: 'response', status: code, headers: responseHeaders, body: bytes });
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: () => {
          connected = true;
          // Otherwise the body begins later.
          if (!prepares || wasOpen) sent = true;
        },
        // Called for each 1xx too, except 100, which was not requested and which undici rejects.
        onResponseStart: (_controller, code, received) => {
          if (code < 200) return;
          status = code;
          responseHeaders = received;
          if (!readsBody(code)) respond(code, Buffer.alloc(0));
        },
        onResponseData: (_controller, chunk) => {
          if (received.add(chunk)) end({ kind: 'too large', status, sent });
        },
        onResponseEnd: () => {
          const body = received.bytes();
          if (!retries || !repeatsOn?.wasOpen() || !isIdleTimeout(status, responseHeaders, body))
            return respond(status ?? 0, body);
          repeatsOn.renew();
          status = undefined;
          sent = false;
          // Deferred, because undici is still closing the connection.
          queueMicrotask(() => attempt(false));
        },
        onResponseError: (_controller, error) => {
          const code = codeOf(error);
          // The system did not take all of the request, so the server cannot have read it.
          if (isWriteError(error)) sent = false;
          if (connected) end({ kind: 'broken', code, status, sent });
          // Deferred, because undici is still closing the failed connection.
          else if (retries && code === 'ECONNREFUSED') queueMicrotask(() => attempt(false));
          // The connection was open, and has ended before anything was sent.
          else if (prepares && wasOpen) end({ kind: 'broken', code, status, sent });
          else end({ kind: 'unreachable', code, status, sent });
        },
      };
      const request = { method, path, headers: { ...headers }, body, reset };
      if (!prepares) client.dispatch(request, handler);
      else if (!wasOpen) client.dispatch(withPreparation(request, body), handler);
      // Its failure has rejected the promise.
      else sendWhenPrepared(request, handler).catch(() => {});
    };
    attempt(true);
  });
}

/**
 * Whether a response on a reused connection is the server's own idle timeout, sent before it read the request: a 408 that
 * closes the connection (RFC 9110, section 15.5.9), without the body and the Date that a response of the application would
 * have.
 */
function isIdleTimeout(status: number | undefined, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const closes = String(headers.connection).toLowerCase() === 'close';
  return status === 408 && closes && headers.date === undefined && body.length === 0;
}

const isWriteError = (error: Error): boolean => 'syscall' in error && error.syscall === 'write';

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
