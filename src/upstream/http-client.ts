// The HTTP client of this folder: a bounded connection pool for each server, or a connection for one request. It follows no
// redirects, and bounds every request in time and size. Used by the clients of all systems except those of the PCRF and the
// Publishers, which have their own pools.

import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Clock } from '../domain/shared/ports.ts';
import { decodeUrlPart, unbracketHost } from '../lib/net.ts';
import {
  type ConnectionPool,
  createConnection,
  createConnectionPool,
  type PoolUnavailable,
} from './connection-pool.ts';
import { type HttpRequestOptions, type HttpResult, sendRequest } from './http-request.ts';
import { createWarmSockets } from './warm-sockets.ts';

/** Shorter than the idle timeout of servers, so that no server closes a connection on which a request is being sent. */
const idleTimeoutMs = 500;

export interface HttpClientOptions {
  /** The most connections to one server. */
  readonly maxConnections: number;
  /** TLS options such as further authorities, read for each connection. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  readonly clock: Pick<Clock, 'after' | 'every'>;
}

interface HttpClientRequest extends Omit<HttpRequestOptions, 'path' | 'beforeSend' | 'closes'> {
  /** User and password in it are sent as a header. */
  readonly url: string;
}

export interface HttpClient {
  /** Decompresses the body; `maxBodyBytes` applies before and after. Never rejects. */
  request(request: HttpClientRequest): Promise<HttpResult | PoolUnavailable>;
}

/** The number of pools is not bounded, because origins come from the configuration. */
export function createHttpClient({ maxConnections, tls, clock }: HttpClientOptions): HttpClient {
  const pools = new Map<string, ConnectionPool>();

  const poolOf = (target: URL, timeoutMs: number): ConnectionPool => {
    const known = pools.get(target.origin);
    if (known) return known;
    const pool = createConnectionPool({
      ...serverOf(target, tls),
      name: target.host,
      min: 0,
      max: maxConnections,
      waitTimeoutMs: timeoutMs,
      connectTimeoutMs: timeoutMs,
      idleTimeoutMs,
      clock,
    });
    pools.set(target.origin, pool);
    return pool;
  };

  return {
    request: async ({ url, ...request }) => {
      const target = new URL(url);
      const headers = {
        'accept-encoding': 'gzip, deflate, br',
        ...authorizationOf(target),
        ...request.headers,
      };
      const path = `${target.pathname}${target.search}`;
      const result = await poolOf(target, request.timeoutMs).request({ ...request, path, headers });
      return result.kind === 'response' ? decode(result, request.maxBodyBytes) : result;
    },
  };
}

/** Sends one request over a connection that is closed afterwards; nothing is decompressed. Never rejects. */
export async function requestOnce(
  url: URL,
  options: Omit<HttpRequestOptions, 'path' | 'closes'> & {
    /** The system's resolver unless given. */
    readonly lookup?: LookupFunction;
    readonly clock: Pick<Clock, 'after' | 'every'>;
  },
): Promise<HttpResult> {
  const { lookup, timeoutMs, clock } = options;
  const server = serverOf(url, undefined);
  const sockets = createWarmSockets({
    ...server,
    ...(lookup && { lookup }),
    min: 0,
    connectTimeoutMs: timeoutMs,
    clock,
  });
  const connection = createConnection(server, sockets);
  try {
    const path = `${url.pathname}${url.search}`;
    return await sendRequest(connection.client, { ...options, path, closes: true }, { clock });
  } finally {
    connection.destroy();
    sockets.close();
  }
}

function serverOf(url: URL, tls: (() => ConnectionOptions) | undefined) {
  const secure = url.protocol === 'https:';
  return {
    host: unbracketHost(url.hostname),
    port: Number(url.port) || (secure ? 443 : 80),
    origin: url.origin,
    tls: secure ? (tls ?? (() => ({}))) : undefined,
  };
}

function authorizationOf({ username, password }: URL): { readonly authorization?: string } {
  if (username === '' && password === '') return {};
  const credentials = `${decodeUrlPart(username)}:${decodeUrlPart(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;
const isKnownEncoding = (name: string): name is keyof typeof decoders => Object.hasOwn(decoders, name);

/** By node:zlib, because undici's interceptor for it is experimental, and warns on stderr. */
async function decode(response: HttpResult & { kind: 'response' }, maxBytes: number): Promise<HttpResult> {
  const encoding = response.headers['content-encoding'];
  if (encoding === undefined || response.body.length === 0 || !isKnownEncoding(encoding)) return response;
  try {
    return { ...response, body: await decoders[encoding](response.body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'decoding failed';
    const progress = { status: response.status, sent: true };
    return code === 'ERR_BUFFER_TOO_LARGE'
      ? { kind: 'too large', ...progress }
      : { kind: 'broken', code, ...progress };
  }
}

/** Why a request failed; quotes nothing of request or response. */
export function describeFailure(
  failure: Exclude<HttpResult, { kind: 'response' }> | PoolUnavailable,
  { timeoutMs, maxBodyBytes }: Pick<HttpRequestOptions, 'timeoutMs' | 'maxBodyBytes'>,
): string {
  switch (failure.kind) {
    case 'timeout':
      return `no response within ${timeoutMs} ms`;
    case 'too large':
      return `its response is over ${maxBodyBytes} bytes`;
    case 'unreachable':
    case 'broken':
      return `no valid response (${failure.code})`;
    case 'busy':
      return 'all connections to it are busy';
    case 'closed':
      return 'swob is shutting down';
  }
}
