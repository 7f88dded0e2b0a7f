// The server of the sync websocket: admits sockets, and routes a pause or an ack to the socket that shows its session.

import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { newSessionId } from '../crypto/random.ts';
import type { SessionEvent } from '../domain/pairing/model.ts';
import type { Bus } from '../domain/pairing/ports.ts';
import type { SyncSessions } from '../domain/pairing/sync-ports.ts';
import { type ApiState, identifierPatterns } from '../domain/shared/identifiers.ts';
import type { RateLimit } from '../domain/shared/model.ts';
import type { Clock, LimitStore, Log } from '../domain/shared/ports.ts';
import { consumeAll, limitAddress, rateLimited } from '../domain/shared/rate-limiting.ts';
import type { ServiceUrls } from '../domain/shared/urls.ts';
import { messageOf, SwobError } from '../errors.ts';
import { logRequest, type RequestFailure } from '../http/access-log.ts';
import { applyRenewals, type CertificateSource, tlsOptions } from '../http/certificate.ts';
import { handleClientError } from '../http/client-error.ts';
import type { ConnectionLimiter } from '../http/connection-limiter.ts';
import { beginStop, drain } from '../http/drain.ts';
import { createServiceListener } from '../http/listen.ts';
import type { Monitoring } from '../http/monitoring.ts';
import type { OverloadGuard } from '../http/overload-guard.ts';
import { requestIdHeader, requestIdOf } from '../http/request-id.ts';
import { trackSockets } from '../http/track-sockets.ts';
import { type Deadline, noTimeLeft } from '../lib/deadline.ts';
import { type CloseCode, closeCodes } from './close-codes.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createHttpHandler } from './http-handler.ts';
import { parseSyncPath, type SyncPath, socketBounds } from './protocol.ts';
import { publicError } from './public-error.ts';
import { rejectUpgrade } from './reject-upgrade.ts';
import { createSocketRegistry } from './socket-registry.ts';
import { createSyncSocketFactory, type SyncSocket, type SyncSocketOptions } from './sync-socket.ts';

export interface SyncDeps {
  readonly host: string;
  readonly port: number;
  readonly tls: CertificateSource | undefined;
  readonly state: ApiState;
  readonly origins: readonly string[];
  /** The origin of swob's own pairing page, which is always allowed; undefined when it is off. */
  readonly pageOrigin?: (() => string) | undefined;
  /** The client's address, also behind trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  /** For new sockets from an address. */
  readonly socketLimit: RateLimit;
  readonly socketOptions: SyncSocketOptions;
  readonly sessions: SyncSessions;
  readonly limits: LimitStore;
  /** Shared by all services of the process, like `connectionLimiter`. */
  readonly overloadGuard: OverloadGuard;
  readonly connectionLimiter: ConnectionLimiter;
  readonly bus: Bus;
  readonly addresses: ServiceUrls;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once, with a function that counts the open sockets. */
  readonly createMonitoring: (openSockets: () => number) => Monitoring;
}

export interface SyncServer {
  /** @returns the bound port; throws UNAVAILABLE when it is in use. */
  start(): Promise<number>;
  /** Accepts no new connections; resolves when all have ended, also the sockets. */
  drain(): Promise<void>;
  /** Accepts no new sockets and closes the others with 1001. @returns how many connections it dropped at the deadline */
  stop(deadline?: Deadline): Promise<number>;
}

/** For peers to answer the close; one that does not is dropped. */
const closeTimeoutMs = 2_000;

export function createSyncServer(deps: SyncDeps): SyncServer {
  const { clock, log } = deps;
  const registry = createSocketRegistry();
  let isStopping = false;
  const webSocketServer = new WebSocketServer({
    noServer: true,
    // `openSockets` tracks them, with more about each.
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: socketBounds.maxPayload,
    maxFragments: socketBounds.maxFragments,
  });
  const openSockets = new Map<WebSocket, SyncSocket>();
  const heartbeat = createHeartbeat(openSockets, clock);
  const http = createHttp(deps.tls, deps.requestTimeoutMs);
  const listener = createServiceListener(http, { ...deps, name: 'the sync websocket' });
  const sockets = trackSockets(http);
  deps.connectionLimiter.attach(http);
  const monitoring = deps.createMonitoring(() => openSockets.size);
  const createSyncSocket = createSyncSocketFactory<WebSocket>({
    sessions: deps.sessions,
    addresses: deps.addresses,
    clock,
    log,
    options: deps.socketOptions,
    send,
    close,
    onRotated: registry.rename,
  });
  const patterns = identifierPatterns(deps.state);
  const [userIdPattern, sessionIdPattern] = [new RegExp(patterns.userId), new RegExp(patterns.sessionId)];

  http.on('request', createHttpHandler({ ...deps, monitoring }));
  http.on('clientError', handleClientError);
  // A malformed handshake: a wrong version, key or method. `handleUpgrade` throws it to `upgrade`.
  webSocketServer.on('wsClientError', (error) => {
    throw new SwobError('BAD_INPUT', error.message);
  });
  webSocketServer.on('headers', (headers, request) =>
    headers.push(`${requestIdHeader}: ${request.headers[requestIdHeader]}`),
  );
  http.on('upgrade', (request, socket, head) => {
    // Node continues to parse what it had read before the socket was destroyed.
    if (socket.destroyed) return;
    socket.on('error', destroy);
    const startedAt = clock.monotonic();
    const requestId = requestIdOf(request.headers[requestIdHeader]);
    const client = deps.addressOf(request);
    // For the response.
    request.headers[requestIdHeader] = requestId;
    const path = parseSyncPath(request.url ?? '');
    const onCompleted = (status: number, failure?: RequestFailure): void => {
      const ms = clock.monotonic() - startedAt;
      const completed = { method: 'GET', route: path && `/v2/sync/${path.action}`, status, ms };
      monitoring.recordRequest(completed);
      logRequest(log, { ...completed, requestId, client, failure });
    };
    const onRejected = (error: unknown): void => {
      const rejection = publicError(error);
      onCompleted(
        rejection.httpStatus,
        rejection === error ? undefined : { reason: messageOf(error), level: 'error' },
      );
      rejectUpgrade(socket, rejection, requestId);
    };
    upgrade(request, socket, head, path, requestId).then(() => onCompleted(101), onRejected);
  });

  const upgrade = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    path: SyncPath | undefined,
    requestId: string,
  ): Promise<void> => {
    if (isStopping) throw stoppingError();
    if (!path) throw new SwobError('NOT_FOUND', 'not found');
    const origin = request.headers.origin;
    if (
      origin !== undefined &&
      deps.origins.length > 0 &&
      !deps.origins.includes(origin) &&
      origin !== deps.pageOrigin?.()
    ) {
      throw new SwobError('FORBIDDEN', 'origin not allowed');
    }
    if (!userIdPattern.test(path.userId)) throw new SwobError('BAD_INPUT', 'user id is not well formed');
    // A pause or an ack is about a live socket and closes immediately, so that it is admitted under any load.
    const opens = path.action === 'init';
    if (opens) deps.overloadGuard.admit();
    if (opens) requireFreeConnection();
    // A gateway in another process sends the events of every phone from one address, so only its misses are counted.
    if (opens || !registry.find(path.userId, path.sessionId)) {
      const address = limitAddress(deps.addressOf(request));
      const exceeded = await consumeAll(deps.limits, [`socket:address:${address}`], deps.socketLimit);
      if (exceeded) throw rateLimited('connections', exceeded.seconds);
      if (isStopping) throw stoppingError();
      // Again, because others may have been admitted meanwhile.
      if (opens) requireFreeConnection();
    }
    webSocketServer.handleUpgrade(request, socket, head, (peer) => {
      // ws has a listener of its own by now, and a list of two takes more memory than one.
      socket.off('error', destroy);
      peer.on('error', onError);
      if (path.action !== 'init') return acceptEvent(peer, { kind: path.action, ...path });
      deps.connectionLimiter.markUpgraded(request.socket);
      accept(peer, path, requestId);
    });
  };

  const requireFreeConnection = (): void => {
    if (openSockets.size < deps.maxConnections) return;
    throw new SwobError('UNAVAILABLE', 'too many connections, try again later', { retryAfter: 10 });
  };

  /** The socket is neither counted nor registered, so that senders that do not close theirs cannot use up the limits. */
  const acceptEvent = (peer: WebSocket, event: SessionEvent): void => {
    close(peer, deliver(event) ? closeCodes.done : closeCodes.unknownSession);
  };

  const accept = (peer: WebSocket, { userId, sessionId }: SyncPath, requestId: string): void => {
    // A session id is as random as a UUID, which Node joins of twenty strings: 640 bytes for the life of the socket.
    const syncSocket = createSyncSocket({ peer, userId, sessionId, socketId: newSessionId(), requestId });
    openSockets.set(peer, syncSocket);
    heartbeat.watch(peer);
    peer.on('message', onMessage).on('close', onClose);
    if (!sessionIdPattern.test(sessionId)) return syncSocket.close(closeCodes.unknownSession);
    if (!registry.add(syncSocket)) return syncSocket.close(closeCodes.alreadyConnected);
    subscribeAndStart(peer, syncSocket).catch((error: unknown) => syncSocket.fail(error));
  };

  const subscribeAndStart = async (peer: WebSocket, syncSocket: SyncSocket): Promise<void> => {
    await deps.bus.subscribe(syncSocket.userId, syncSocket);
    // It has closed meanwhile.
    if (!openSockets.has(peer)) return deps.bus.unsubscribe(syncSocket.userId, syncSocket);
    // After the subscription: a phone may take the session the moment it is shown.
    await syncSocket.start();
  };

  // Shared by all sockets: ws calls them with the socket as `this`.
  function onError(this: WebSocket, error: Error): void {
    openSockets.get(this)?.onError(error);
  }
  function onMessage(this: WebSocket): void {
    openSockets.get(this)?.onMessage();
  }
  function onClose(this: WebSocket): void {
    const syncSocket = openSockets.get(this);
    if (!syncSocket) return;
    openSockets.delete(this);
    syncSocket.close();
    registry.remove(syncSocket);
    deps.bus.unsubscribe(syncSocket.userId, syncSocket);
  }

  /** @returns false when no socket shows that session. */
  const deliver = (event: SessionEvent): boolean => {
    const syncSocket = registry.find(event.userId, event.sessionId);
    if (!syncSocket) return false;
    if (event.kind === 'pause') syncSocket.pause();
    else syncSocket.ack();
    return true;
  };

  return {
    start: listener.start,
    drain: () => drain(http, listener),
    stop: async (deadline = noTimeLeft) => {
      isStopping = true;
      heartbeat.stop();
      await beginStop(http, listener, sockets);
      http.close();
      const closed = listener.close();
      for (const syncSocket of openSockets.values()) syncSocket.close(closeCodes.stopping);
      http.closeIdleConnections();
      const interrupted = (await deadline.atMost(closeTimeoutMs).settles(closed)) ? 0 : sockets.destroyAll();
      await closed;
      return interrupted;
    },
  };
}

function createHttp(tls: CertificateSource | undefined, requestTimeoutMs: number) {
  const options = {
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.max(100, requestTimeoutMs / 4),
  };
  if (!tls) return createServer(options);
  const server = createTlsServer({ ...options, ...tlsOptions(tls, requestTimeoutMs) });
  applyRenewals(server, tls);
  return server;
}

function stoppingError(): SwobError {
  return new SwobError('UNAVAILABLE', 'server stopping', { retryAfter: 10 });
}

/** Shared by all sockets: a closure would keep the request and its context for the life of the socket. */
function destroy(this: Duplex): void {
  this.destroy();
}

function send(peer: WebSocket, text: string): void {
  if (peer.readyState !== peer.OPEN) return;
  if (peer.bufferedAmount > socketBounds.maxBuffered) return peer.terminate();
  peer.send(text);
}

function close(peer: WebSocket, { code, reason }: CloseCode): void {
  peer.close(code, reason);
}
