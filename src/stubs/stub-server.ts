// The HTTP server of the stubs: listen, close, read a body, respond.

import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Clock } from '../domain/shared/ports.ts';
import { serviceUrl } from '../domain/shared/urls.ts';
import { messageOf, SwobError } from '../errors.ts';
import { ByteCollector } from '../lib/collect-bytes.ts';
import { isObject, parseJson, tryParseJson } from '../lib/json.ts';
import { createListener, type Listener } from '../lib/listener.ts';
import { bracketHost } from '../lib/net.ts';
import type { Intercept } from './intercept.ts';
import { createJournal, type Journal, type JournalEntry } from './journal.ts';
import { systemClock } from './system-clock.ts';

const defaultMaxBytes = 64 * 1024;
const interceptedMaxBytes = 1024 * 1024;
/**
 * Milliseconds that a client may take to send its request. Long, because Node counts from the start of the connection: clients
 * open connections in advance, and a 408 at the moment of their first request would fail it.
 */
const requestTimeout = 600_000;

const readiness = JSON.stringify({ service: 'stub', state: 'ready', checks: {} });

export interface RunningStub {
  /** `http://host:port` as bound. */
  readonly url: string;
  /** The requests that it received, those below `/__` aside; also at `GET /__journal`, and `DELETE` clears it. */
  readonly journal: Pick<Journal, 'all' | 'clear'>;
  /** Closes open connections too. Idempotent. */
  close(): Promise<void>;
}

export interface StubAddress {
  readonly host: string;
  /** 0 for a free port. */
  readonly port: number;
  /** Of the journal; the system's clock by default. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Answers all requests but those below `/__` in place of the stub. */
  readonly intercept?: Intercept | undefined;
  /** Called with each request, those below `/__` aside, once it is over. */
  readonly onEnded?: ((entry: JournalEntry) => void) | undefined;
}

/** What takes the JSON body of a request into the journal, when the stub has read it. */
const bodyListeners = new WeakMap<IncomingMessage, (members: Readonly<Record<string, unknown>>) => void>();

/**
 * Starts a server; port 0 is a free one. A SwobError that `handle` throws becomes the response; any other error
 * closes the connection. Throws UNAVAILABLE when it cannot listen at the address.
 */
export async function startStubServer(
  at: StubAddress,
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<RunningStub & { readonly journal: Journal }> {
  const journal = createJournal(at.clock ?? systemClock, at.onEnded);
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // As swob's own services, for `swob wait --url`.
    if (pathOf(request) === '/readyz') return sendJson(response, 200, readiness);
    if (pathOf(request) === '/__journal') return sendJournal(journal, request, response);
    if (!pathOf(request).startsWith('/__')) {
      const entry = journal.add(request);
      bodyListeners.set(request, entry.body);
      response.once('finish', () => entry.ended(response.statusCode));
      response.once('close', () => {
        if (!response.writableFinished) entry.ended(null);
      });
      if (at.intercept) return interceptRequest(at.intercept, request, response);
    }
    return handle(request, response);
  };
  const server = createServer({ requestTimeout, headersTimeout: requestTimeout }, (request, response) => {
    respond(request, response).catch((error: unknown) => {
      // Otherwise the client disconnected in the middle of its body.
      if (error instanceof SwobError) sendError(response, error);
      else response.destroy();
    });
  });
  // Without a listener, an error of accepting a connection would end the process.
  server.on('error', () => undefined);
  const listener = createListener(server, at);
  const url = await start(listener, at);
  const close = (): Promise<void> => {
    const closed = listener.close();
    server.closeAllConnections();
    return closed;
  };
  return { url, journal, close };
}

async function interceptRequest(
  intercept: Intercept,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, interceptedMaxBytes);
  if (!body) throw new SwobError('TOO_LARGE', `the body is over ${interceptedMaxBytes} bytes`);
  const members = tryParseJson(body.toString('utf8'));
  if (isObject(members)) bodyListeners.get(request)?.(members);
  return intercept({ request, body, response });
}

function sendJournal(journal: Journal, { method }: IncomingMessage, response: ServerResponse): void {
  if (method === 'DELETE') journal.clear();
  sendJson(response, 200, JSON.stringify(journal.all()));
}

async function start(listener: Listener, { host, port }: StubAddress): Promise<string> {
  try {
    return serviceUrl('http', host, await listener.start());
  } catch (cause) {
    const where = `${bracketHost(host)}:${port}`;
    const message = `cannot listen on ${where}: ${messageOf(cause)}; choose another address or port`;
    throw new SwobError('UNAVAILABLE', message, { cause });
  }
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/\?.*$/s, '');
}

/**
 * Reads the body as a JSON object. Throws TOO_LARGE over `maxBytes` (64 KiB), BAD_INPUT when it is not a JSON object;
 * rejects with another error when the client disconnects.
 */
export async function readObject(
  request: IncomingMessage,
  maxBytes = defaultMaxBytes,
): Promise<Record<string, unknown>> {
  return (await readObjectWithText(request, maxBytes)).value;
}

/** The same, with the text as received. */
export async function readObjectWithText(
  request: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly value: Record<string, unknown>; readonly text: string }> {
  const body = await readBody(request, maxBytes);
  if (body === undefined) throw new SwobError('TOO_LARGE', `the body is over ${maxBytes} bytes`);
  // Decoding would replace invalid bytes by U+FFFD.
  if (!isUtf8(body)) throw new SwobError('BAD_INPUT', 'the body is not UTF-8');
  const text = body.toString('utf8');
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw new SwobError('BAD_INPUT', 'the body is not JSON');
  }
  if (!isObject(value)) throw new SwobError('BAD_INPUT', 'the body is not a JSON object');
  bodyListeners.get(request)?.(value);
  return { value, text };
}

/** The body; undefined when it is over `maxBytes`. Rejects when the client disconnects. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const received = new ByteCollector({ limit: maxBytes });
  // Not `for await`, which on an early exit would destroy the socket before the response is sent.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      if (received.add(chunk)) resolve(undefined);
    });
    request.on('end', () => resolve(received.bytes()));
    request.on('close', () => reject(new Error('the request was cut off')));
  });
}

/** The string member `key` of a body; throws BAD_INPUT when it is missing. */
export function readString(body: Readonly<Record<string, unknown>>, key: string): string {
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

function sendError(response: ServerResponse, { code, httpStatus: http, message }: SwobError): void {
  // The rest of an oversized body is not read.
  const headers = code === 'TOO_LARGE' ? { connection: 'close' } : {};
  sendJson(response, http, JSON.stringify({ error: message }), headers);
}
