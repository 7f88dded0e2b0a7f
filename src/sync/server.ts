// The sync websocket server: who may connect, and which socket a pause or an ack is for.

import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { newSessionId } from '../crypto/random.ts';
import type { Addresses } from '../domain/addresses.ts';
import { type ApiState, identifierPatterns } from '../domain/identifiers.ts';
import { limitAddress, limited, takeAll } from '../domain/limiting.ts';
import type { RateLimit, SessionEvent } from '../domain/model.ts';
import type { Bus, Clock, LimitStore, Log, SyncSessions } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { type Failure, logServed } from '../http/access-log.ts';
import { type CertificateSource, followRenewals, tlsOptions } from '../http/certificate.ts';
import type { Operations } from '../http/operations.ts';
import type { Pressure } from '../http/pressure.ts';
import { requestIdHeader, requestIdOf } from '../http/request-id.ts';
import { trackSockets } from '../http/sockets.ts';
import { answerUnparsable } from '../http/unparsable.ts';
import { type Connection, type ConnectionOptions, createConnections } from './connection.ts';
import { createKeepAlive } from './keep-alive.ts';
import { listen } from './listen.ts';
import { createPlainHttp } from './plain-http.ts';
import { bounds, type Closing, closing, parseSyncPath, type SyncPath } from './protocol.ts';
import { createRegistry } from './registry.ts';

export interface SyncDeps {
  readonly host: string;
  readonly port: number;
  readonly tls: CertificateSource | undefined;
  readonly state: ApiState;
  readonly origins: readonly string[];
  /** The client's address, behind trusted proxies too. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  /** New sockets from an address. */
  readonly socketLimit: RateLimit;
  readonly connection: ConnectionOptions;
  readonly sessions: SyncSessions;
  readonly limits: LimitStore;
  /** Asked before a socket is taken. */
  readonly pressure: Pressure;
  readonly bus: Bus;
  readonly addresses: Addresses;
  readonly clock: Clock;
  readonly log: Log;
  /** Made with the number of open sockets. */
  readonly operations: (openSockets: () => number) => Operations;
}

export interface SyncServer {
  /** Listens. @returns the port that is bound; throws UNAVAILABLE when it is taken. */
  start(): Promise<number>;
  /** Takes no new sockets and closes the others with 1001. */
  stop(): Promise<void>;
}

/** Of each socket. */
interface Held {
  readonly connection: Connection;
  /** There once the bus is listened to. */
  stopListening: (() => void) | undefined;
}

export function createSyncServer(deps: SyncDeps): SyncServer {
  const { clock, log } = deps;
  const registry = createRegistry();
  let stopping = false;
  const sockets = new WebSocketServer({
    noServer: true,
    // `peers` tells more.
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: bounds.maxPayload,
    maxFragments: bounds.maxFragments,
  });
  const peers = new Map<WebSocket, Held>();
  const alive = createKeepAlive(peers, clock);
  const http = createHttp(deps.tls, deps.requestTimeoutMs);
  const dropSockets = trackSockets(http);
  const operations = deps.operations(() => peers.size);
  const connectionOf = createConnections<WebSocket>({
    sessions: deps.sessions,
    addresses: deps.addresses,
    clock,
    log,
    options: deps.connection,
    send,
    close,
    onRotated: registry.rotated,
  });
  const patterns = identifierPatterns(deps.state);
  const [validUser, validSession] = [new RegExp(patterns.userId), new RegExp(patterns.sessionId)];

  http.on('request', createPlainHttp({ operations, addressOf: deps.addressOf, clock, log }));
  http.on('clientError', answerUnparsable);
  // Malformed handshakes: the wrong version, a bad key, another method. Thrown to whom `handleUpgrade` works for.
  sockets.on('wsClientError', (error) => {
    throw new SwobError('BAD_INPUT', error.message);
  });
  /** Of the requests that are being upgraded. */
  const requestIds = new WeakMap<IncomingMessage, string>();
  sockets.on('headers', (headers, request) => headers.push(`${requestIdHeader}: ${requestIds.get(request)}`));
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', destroy);
    const since = clock.monotonic();
    const requestId = requestIdOf(request.headers[requestIdHeader]);
    requestIds.set(request, requestId);
    const path = parseSyncPath(request.url ?? '');
    const served = (status: number, failure?: Failure): void => {
      const ms = clock.monotonic() - since;
      const answered = { method: 'GET', route: path && `/v2/sync/${path.action}`, status, ms };
      operations.served(answered);
      logServed(log, { ...answered, requestId, failure });
    };
    const failed = (error: unknown): void => {
      const known = error instanceof SwobError && error.code !== 'INTERNAL';
      const refusal = known ? error : new SwobError('INTERNAL', 'internal error');
      served(refusal.http, known ? undefined : { reason: messageOf(error), level: 'error' });
      refuse(socket, refusal, requestId);
    };
    upgrade(request, socket, head, path, requestId).then(() => served(101), failed);
  });

  const upgrade = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    path: SyncPath | undefined,
    requestId: string,
  ): Promise<void> => {
    if (stopping) throw new SwobError('UNAVAILABLE', 'server stopping', { retryAfter: 10 });
    if (!path) throw new SwobError('NOT_FOUND', 'not found');
    const origin = request.headers.origin;
    if (origin !== undefined && deps.origins.length > 0 && !deps.origins.includes(origin)) {
      throw new SwobError('FORBIDDEN', 'origin not allowed');
    }
    if (!validUser.test(path.userId)) throw new SwobError('BAD_INPUT', 'user id is not well formed');
    // What a gateway in another process tells of live sockets always gets through; such connections close at once.
    if (path.action === 'init') deps.pressure.admit();
    if (path.action === 'init' && peers.size >= deps.maxConnections) {
      throw new SwobError('UNAVAILABLE', 'too many connections, try again later', { retryAfter: 10 });
    }
    // A gateway in another process tells of every phone from one address: only its misses are counted.
    if (path.action === 'init' || !registry.find(path.userId, path.sessionId)) {
      const key = `socket:address:${limitAddress(deps.addressOf(request))}`;
      const refused = await takeAll(deps.limits, [key], deps.socketLimit);
      if (refused) throw limited('connections', refused.seconds);
    }
    sockets.handleUpgrade(request, socket, head, (peer) => accept(peer, path, requestId));
  };

  const accept = (peer: WebSocket, path: SyncPath, requestId: string): void => {
    const { userId, sessionId } = path;
    // As random as a session's. Not a UUID: Node joins one of twenty strings, 640 bytes for the life of the socket.
    const connection = connectionOf({ peer, userId, sessionId, socketId: newSessionId(), requestId });
    peers.set(peer, { connection, stopListening: undefined });
    alive.watch(peer);
    peer.on('error', onError).on('message', onMessage).on('close', onClose);
    if (path.action !== 'init') {
      return connection.end(deliver({ kind: path.action, ...path }) ? closing.done : closing.unknownSession);
    }
    if (!validSession.test(sessionId)) return connection.end(closing.unknownSession);
    if (!registry.add(connection)) return connection.end(closing.alreadyConnected);
    listenAndStart(peer, connection).catch((error: unknown) => connection.giveUp(error));
  };

  const listenAndStart = async (peer: WebSocket, connection: Connection): Promise<void> => {
    const stopListening = await deps.bus.subscribe(connection.userId, connection);
    const held = peers.get(peer);
    if (!held) return stopListening();
    held.stopListening = stopListening;
    // Not before: a phone may take the session as soon as it is shown.
    await connection.start();
  };

  // One of each for all sockets, which ws calls with the socket as `this`.
  function onError(this: WebSocket, error: Error): void {
    peers.get(this)?.connection.failed(error);
  }
  function onMessage(this: WebSocket): void {
    peers.get(this)?.connection.received();
  }
  function onClose(this: WebSocket): void {
    const held = peers.get(this);
    if (!held) return;
    peers.delete(this);
    held.connection.end();
    registry.remove(held.connection);
    held.stopListening?.();
  }

  /** @returns false when no socket shows that session. */
  const deliver = (event: SessionEvent): boolean => {
    const connection = registry.find(event.userId, event.sessionId);
    if (!connection) return false;
    if (event.kind === 'pause') connection.pause();
    else connection.ack();
    return true;
  };

  return {
    start: () => listen(http, deps.host, deps.port),
    stop: async () => {
      stopping = true;
      alive.stop();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const { connection } of peers.values()) connection.end(closing.stopping);
      // A peer that does not answer the close within two seconds is dropped.
      const giveUp = clock.after(2_000, () => {
        dropSockets();
      });
      http.closeIdleConnections();
      await closed;
      giveUp();
    },
  };
}

function createHttp(tls: CertificateSource | undefined, requestTimeoutMs: number) {
  const bounds = {
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.max(100, requestTimeoutMs / 4),
  };
  if (!tls) return createServer(bounds);
  const server = createTlsServer({ ...bounds, ...tlsOptions(tls, requestTimeoutMs) });
  followRenewals(server, tls);
  return server;
}

/** A listener of its own would keep the request and its context for as long as the socket lives. */
function destroy(this: Duplex): void {
  this.destroy();
}

function send(peer: WebSocket, text: string): void {
  if (peer.readyState !== peer.OPEN) return;
  if (peer.bufferedAmount > bounds.maxBuffered) return peer.terminate();
  peer.send(text);
}

function close(peer: WebSocket, { code, reason }: Closing): void {
  peer.close(code, reason);
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };

/** Answers an upgrade over HTTP and closes. */
function refuse(socket: Duplex, error: SwobError, requestId: string): void {
  if (!socket.writable) return void socket.destroy();
  const headers = {
    ...plain,
    [requestIdHeader]: requestId,
    connection: 'close',
    'content-length': Buffer.byteLength(error.forClients),
    ...(error.retryAfter !== undefined && { 'retry-after': error.retryAfter }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${error.http} ${STATUS_CODES[error.http]}\r\n${lines.join('')}\r\n${error.forClients}`,
    () => socket.destroy(),
  );
}
