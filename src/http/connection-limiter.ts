// Limits the client connections of all services of a process: evicts those that wait for their client for new ones, handles pipelined requests one
// after the other, and bounds what clients have sent without a response. Used by server.ts and the sync service; created
// once in app/compose.

import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';

export interface ConnectionLimiter {
  /** Limits the connections of this server. To be called before it listens. */
  attach(server: Server): void;
  /**
   * Calls `handle` once the earlier requests of the connection have their responses. Never calls it when the connection
   * closes first, or is closed here because it has too many pipelined requests.
   */
  startRequest(request: IncomingMessage, handle: () => void): void;
  /** The response to a request of the connection has been sent. */
  finishRequest(socket: Socket): void;
  /** The connection was upgraded to a websocket and is never evicted. */
  markUpgraded(socket: Socket): void;
  /** How many connections may be upgraded, so that some are left for requests. */
  readonly maxUpgraded: number;
  /** Open connections. */
  readonly open: number;
  /** Connections closed here since the start, by reason. */
  readonly closed: Readonly<Record<CloseReason, number>>;
}

/**
 * `idle`: evicted for a new connection; `full`: new, with no connection to evict; `pipelining`: too many pipelined
 * requests; `headers`: it had sent the most when the bytes without a response exceeded their bound.
 */
export const closeReasons = ['idle', 'full', 'pipelining', 'headers'] as const;
type CloseReason = (typeof closeReasons)[number];

interface ConnectionState {
  readonly socket: Socket;
  /** When its last response was sent, or when it was opened. */
  idleSince: number;
  /** Requests without a response, queued ones included. */
  pending: number;
  /** The last of these requests. */
  request: IncomingMessage | undefined;
  /** Requests that wait for earlier ones: responses that the client does not read would fill the memory. */
  queue: (() => void)[] | undefined;
  /** The socket's `bytesRead` that earlier responses account for; Node holds what was read after it. */
  answeredBytes: number;
  upgraded: boolean;
}

/** Pipelined requests of a connection. Today's clients send one; a packet holds this many short ones. */
const maxPipelined = 512;
/** Pending requests of all connections. Above it, a connection may pipeline only a few. */
const maxPending = 2_048;
const maxPipelinedUnderLoad = 32;
/** Headers and bodies without a response, over all connections: Node keeps headers while it waits for the body. */
const maxPendingBytes = 32 * 1_024 * 1_024;
/** The bytes are summed once for this many events, or for an eighth of the connections if that is more. */
const eventsPerCheck = 16;
const connectionsPerCheck = 1 / 8;
const checkIntervalMs = 1_000;
/** The share of the connections evicted together, so that they are not sorted for each new one. */
const evictedShare = 1 / 16;
/** The share of the connections that may be websockets. */
export const maxUpgradedShare = 3 / 4;
const logIntervalMs = 10_000;

export function createConnectionLimiter(options: {
  /** Below the limit of open files, as files and upstream connections count there too. */
  readonly max: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}): ConnectionLimiter {
  const { max, clock, log } = options;
  /** By the accepted socket; with TLS, requests arrive on another one. */
  const connections = new Map<Socket, ConnectionState>();
  /** By the socket that requests arrive on. */
  const tlsConnections = new WeakMap<Socket, ConnectionState>();
  const closed = { idle: 0, full: 0, pipelining: 0, headers: 0 };
  let eventsSinceCheck = 0;
  let checkedAt = clock.monotonic();
  let totalPending = 0;
  let silentUntil = Number.NEGATIVE_INFINITY;

  const warn = (fields: object, message: string): void => {
    if (clock.monotonic() < silentUntil) return;
    silentUntil = clock.monotonic() + logIntervalMs;
    log.warn({ ...fields, connections: connections.size, max }, message);
  };
  const stateOf = (socket: Socket): ConnectionState | undefined =>
    connections.get(socket) ?? tlsConnections.get(socket);
  const forget = (state: ConnectionState): void => {
    connections.delete(state.socket);
    totalPending -= state.pending;
    state.pending = 0;
    state.request = undefined;
    state.queue = undefined;
  };
  const evictOldest = (): void => {
    const evictable = [...connections.values()].filter(({ upgraded }) => !upgraded);
    const idle = evictable.filter(({ pending }) => pending === 0);
    // Otherwise clients that stop in the middle of a request would keep others out for as long as one may take to arrive.
    const waiting = idle.length > 0 ? idle : evictable.filter(isIncomplete);
    waiting.sort((a, b) => a.idleSince - b.idleSince);
    const evicted = waiting.slice(0, Math.max(1, Math.floor(max * evictedShare)));
    for (const state of evicted) {
      // Before its close event, or the next eviction would choose it again.
      forget(state);
      state.socket.destroy();
    }
    closed.idle += evicted.length;
  };
  const pendingBytes = ({ socket, upgraded, answeredBytes }: ConnectionState): number =>
    upgraded ? 0 : socket.bytesRead - answeredBytes;
  /** Above the bound, closes the connections that have sent the most until half of it is left. */
  const boundPendingBytes = (): void => {
    if (++eventsSinceCheck < eventsPerCheck) return;
    const now = clock.monotonic();
    if (eventsSinceCheck < connections.size * connectionsPerCheck && now - checkedAt < checkIntervalMs)
      return;
    eventsSinceCheck = 0;
    checkedAt = now;
    let total = 0;
    for (const state of connections.values()) total += pendingBytes(state);
    if (total <= maxPendingBytes) return;
    warn(
      { bytes: total },
      'clients have sent too much that has no response yet; closing the connections that sent the most',
    );
    const largestFirst = [...connections.values()].sort((a, b) => pendingBytes(b) - pendingBytes(a));
    for (const state of largestFirst) {
      if (total <= maxPendingBytes / 2) return;
      total -= pendingBytes(state);
      closed.headers++;
      forget(state);
      state.socket.destroy();
    }
  };
  // Shared by all connections: a closure for each of them takes 250 bytes with what `once` adds.
  function onClose(this: Socket): void {
    const state = connections.get(this);
    if (state) forget(state);
  }
  const accept = (socket: Socket): void => {
    if (isReset(socket)) return;
    boundPendingBytes();
    if (connections.size >= max) {
      warn({}, 'connection limit reached; evicting the connections that have been idle the longest');
      evictOldest();
    }
    if (connections.size >= max) {
      closed.full++;
      socket.destroy();
      return;
    }
    connections.set(socket, {
      socket,
      // V8 stores small integers without allocating.
      idleSince: Math.ceil(clock.monotonic()),
      pending: 0,
      request: undefined,
      queue: undefined,
      answeredBytes: 0,
      upgraded: false,
    });
    socket.on('close', onClose);
  };

  return {
    attach: (server) => {
      server.on('connection', accept);
      if (isTls(server)) findByTlsSocket(server, connections, tlsConnections);
      server.on('error', (error) => {
        // For example when no file descriptors are left. A port in use is reported by whoever calls listen.
        if (server.listening) warn({ reason: messageOf(error) }, 'cannot accept a connection');
      });
    },
    startRequest: (request, handle) => {
      const { socket } = request;
      boundPendingBytes();
      const state = stateOf(socket);
      // Node continues to parse what it had read before the socket was destroyed.
      if (socket.destroyed || state?.socket.destroyed) return;
      if (!state) return handle();
      state.pending++;
      state.request = request;
      totalPending++;
      if (state.pending > (totalPending > maxPending ? maxPipelinedUnderLoad : maxPipelined)) {
        closed.pipelining++;
        socket.destroy();
      } else if (state.pending > 1) {
        state.queue ??= [];
        state.queue.push(handle);
      } else handle();
    },
    finishRequest: (socket) => {
      const state = stateOf(socket);
      if (!state || state.pending === 0) return;
      totalPending--;
      // Each pipelined request accounts for its share of what was read.
      state.answeredBytes += (state.socket.bytesRead - state.answeredBytes) / state.pending;
      if (--state.pending === 0) {
        state.idleSince = Math.ceil(clock.monotonic());
        state.request = undefined;
      }
      state.queue?.shift()?.();
    },
    markUpgraded: (socket) => {
      const state = stateOf(socket);
      if (state) state.upgraded = true;
    },
    maxUpgraded: Math.floor(max * maxUpgradedShare),
    get open() {
      return connections.size;
    },
    closed,
  };
}

/** Whether it has a single request, which has not arrived completely. */
function isIncomplete({ pending, request }: ConnectionState): boolean {
  return pending === 1 && request?.complete === false;
}

/**
 * Destroys a connection that the client has reset already, which has no address to count by. Node keeps the address that it has read
 * here, so that it is known when the client resets the connection later.
 */
function isReset(socket: Socket): boolean {
  if (socket.remoteAddress !== undefined) return false;
  socket.destroy();
  return true;
}

function isTls(server: Server): server is TlsServer {
  return 'setSecureContext' in server;
}

/** Finds the state by the socket that requests arrive on: it shares the addresses and the client's port with the accepted one. */
function findByTlsSocket(
  server: TlsServer,
  connections: ReadonlyMap<Socket, ConnectionState>,
  tlsConnections: WeakMap<Socket, ConnectionState>,
): void {
  const handshaking = new Map<string, ConnectionState>();
  // A client may connect from one port to several addresses of this machine.
  const keyOf = ({ localAddress, remoteAddress, remotePort }: Socket): string =>
    `${localAddress} ${remoteAddress} ${remotePort}`;
  server.on('connection', (socket) => {
    const state = connections.get(socket);
    if (!state) return;
    const key = keyOf(socket);
    handshaking.set(key, state);
    socket.once('close', () => handshaking.delete(key));
  });
  server.on('secureConnection', (socket) => {
    if (isReset(socket)) return;
    const key = keyOf(socket);
    const state = handshaking.get(key);
    handshaking.delete(key);
    if (state) tlsConnections.set(socket, state);
  });
}
