// Listening, closing, reading a body and answering, as the stand-ins need them.

import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { serviceUrl } from '../domain/addresses.ts';
import { messageOf, SwobError } from '../errors.ts';

const defaultMaxBytes = 64 * 1024;
/** Milliseconds that a client has to send its request. */
const requestTimeout = 10_000;

export interface RunningStub {
  /** `http://host:port` as bound. */
  readonly url: string;
  /** Ends open connections too; from then on connections are refused. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a server; port 0 takes a free one. What `answer` throws is answered when it is a SwobError, and ends the
 * connection otherwise. Throws UNAVAILABLE when the address cannot be listened on.
 */
export async function startServer(
  at: { readonly host: string; readonly port: number },
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<RunningStub> {
  const server = createServer({ requestTimeout, headersTimeout: requestTimeout }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      // Otherwise the client went away in the middle of its body.
      if (error instanceof SwobError) refuse(response, error);
      else response.destroy();
    });
  });
  const url = await listen(server, at);
  let closed: Promise<void> | undefined;
  return { url, close: () => (closed ??= close(server)) };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.on('error', (cause) => {
      const where = serviceUrl('http', host, port).slice('http://'.length);
      const message = `cannot listen on ${where}: ${messageOf(cause)}; choose another`;
      reject(new SwobError('UNAVAILABLE', message, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve(serviceUrl('http', host, bound));
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/\?.*$/s, '');
}

/**
 * The JSON object that is the body. Throws TOO_LARGE over `maxBytes` (64 KiB), BAD_INPUT when it is none;
 * rejects with another error when the client goes away.
 */
export async function readObject(
  request: IncomingMessage,
  maxBytes = defaultMaxBytes,
): Promise<Record<string, unknown>> {
  const body = await readBody(request, maxBytes);
  if (body === undefined) throw new SwobError('TOO_LARGE', `the body is over ${maxBytes} bytes`);
  // Decoding would put U+FFFD in place of what is wrong.
  if (!isUtf8(body)) throw new SwobError('BAD_INPUT', 'the body is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new SwobError('BAD_INPUT', 'the body is not JSON');
  }
  if (isObject(value)) return value;
  throw new SwobError('BAD_INPUT', 'the body is not a JSON object');
}

/** The body; undefined as soon as it is over its bound. Rejects when the client goes away. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`: leaving it early would destroy the socket before the answer is out.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => reject(new Error('the request was cut off')));
  });
}

/** The text under that key of a body; throws BAD_INPUT when there is none. */
export function textIn(body: Readonly<Record<string, unknown>>, key: string): string {
  const value = body[key];
  if (typeof value === 'string') return value;
  throw new SwobError('BAD_INPUT', `${key}: expected a text`);
}

/** `body` is JSON already. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

function refuse(response: ServerResponse, { code, http, message }: SwobError): void {
  // The rest of a body that is too large is not waited for.
  const headers = code === 'TOO_LARGE' ? { connection: 'close' } : {};
  sendJson(response, http, JSON.stringify({ error: message }), headers);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
