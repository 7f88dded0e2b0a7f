// One connection of ioredis, which reconnects by itself: checks the server behind it, and reports why it is down.
// Used by the other files of this folder.

import type { Socket } from 'node:net';
import { Command, type Redis, type RedisOptions } from 'ioredis';
import type { Clock, Log } from '../domain/shared/ports.ts';
import type { SwobError } from '../errors.ts';
import {
  isDemotion,
  isReply,
  isTimeout,
  misconfigured,
  oldestMajor,
  redisFailure,
  unavailable,
} from './failure.ts';

/** An idle connection is pinged this often, so that a frozen or unreachable server is noticed. */
const pingMs = 2_000;
/** Pause before an attempt to reconnect, plus a random part of up to the same length. */
const reconnectMs = 250;
/** How long the server may take to close its side before the socket is destroyed. */
const disconnectMs = 100;

/** The required kind of server: a master, a node of a cluster, or a Sentinel. */
type ServerKind = 'standalone' | 'cluster' | 'sentinel';

export interface ServerAccess {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly db: number;
  /** Undefined: plain TCP. `ca` in PEM; without it the usual authorities are trusted. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  /** Milliseconds for a connection to open, and for each reply. */
  readonly timeoutMs: number;
}

/** Nothing is queued while disconnected and nothing is sent twice: a failed command may have had its effect. */
export function clientOptions({ user, password, db, tls, timeoutMs }: ServerAccess) {
  return {
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: tls.ca === undefined ? {} : { ca: tls.ca } }),
    db,
    protocol: 3,
    replyMapping: 'resp3',
    connectionName: 'swob',
    disableClientInfo: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disconnectTimeout: disconnectMs,
    retryStrategy: reconnectPause,
    reconnectOnError: isDemotion,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  } as const satisfies RedisOptions;
}

export type ClientOptions = ReturnType<typeof clientOptions> & RedisOptions;

export function reconnectPause(): number {
  return reconnectMs * (1 + Math.random());
}

export interface ConnectionOptions {
  /** Names the server in messages: `127.0.0.1:6379`. */
  readonly name: () => string;
  readonly kind: ServerKind;
  /** Runs on every new connection; when it fails, so does the connection. */
  readonly prepare?: () => Promise<unknown>;
  /** The connection is up (again), or down. */
  readonly onChange: (isUp: boolean) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Connection {
  readonly redis: Redis;
  name(): string;
  isUp(): boolean;
  /** Why the connection is down: UNAVAILABLE or CONFIG. */
  failure(): SwobError;
  /** Resolves after the first attempt to connect, to its error if it failed. */
  readonly first: Promise<SwobError | undefined>;
  /** Throws UNAVAILABLE, CONFIG or INTERNAL; a NOSCRIPT reply as it is. */
  send(command: Command): Promise<unknown>;
  close(): void;
}

/** For further connections: one log line per outage is enough, and the connection for commands writes it. */
export function quietLog(log: Log): Log {
  return { ...log, info: log.debug, warn: log.debug };
}

export function watchConnection(redis: Redis, options: ConnectionOptions): Connection {
  const { name, kind, onChange, clock, log } = options;
  const limitMs = redis.options.commandTimeout ?? 0;
  /** Each reason for an outage is logged once, however many attempts fail. */
  const logged = new Set<string>();
  let isUp = false;
  let isClosed = false;
  let failure = unavailable(name(), 'is not connected yet', 'try again');
  let stopPings = (): void => undefined;
  let settleFirst = (_failure: SwobError | undefined): void => undefined;
  const first = new Promise<SwobError | undefined>((resolve) => {
    settleFirst = resolve;
  });

  const warn = (message: string): void => {
    if (isClosed || logged.has(failure.message)) return;
    logged.add(failure.message);
    log.warn({ redis: name(), reason: failure.message }, message);
  };
  const fail = (error: unknown): void => {
    failure = redisFailure(name(), error, limitMs);
  };
  // The client's own message for the end of a connection says less than its cause.
  const explain = (error: unknown): SwobError =>
    isReply(error) || isTimeout(error) ? redisFailure(name(), error, limitMs) : failure;
  const send = async (command: Command): Promise<unknown> => {
    try {
      redis.sendCommand(command);
      return await command.promise;
    } catch (error) {
      throw isReply(error, 'NOSCRIPT') ? error : explain(error);
    }
  };
  const ping = (): Promise<unknown> => send(command('PING'));

  redis.on('ready', async () => {
    const { stream } = redis;
    try {
      // HELLO is answered even while the server loads its data, unlike PING.
      checkServer(name(), kind, await send(command('HELLO')));
      await ping();
      await options.prepare?.();
    } catch (error) {
      fail(error);
      stream.destroy();
      return;
    }
    if (isClosed || stream.destroyed) return;
    isUp = true;
    logged.clear();
    failure = unavailable(name(), 'has closed the connection', 'see its log');
    stopPings = clock.every(pingMs, () => void ping().catch(() => undefined));
    log.info({ redis: name() }, 'connected to Redis');
    settleFirst(undefined);
    onChange(true);
  });
  redis.on('error', (error) => {
    fail(error);
    // Without the selected database the client would continue in another one.
    if (isReply(error)) redis.stream.destroy();
  });
  redis.on('close', () => {
    const wasUp = isUp;
    isUp = false;
    stopPings();
    warn(wasUp ? 'lost Redis; reconnecting' : 'cannot use Redis; retrying');
    settleFirst(failure);
    if (wasUp) onChange(false);
  });

  return {
    redis,
    name,
    isUp: () => isUp,
    failure: () => failure,
    first,
    send,
    close: () => {
      isClosed = true;
      isUp = false;
      failure = unavailable(name(), 'is no longer connected', 'swob is stopping');
      stopPings();
      redis.disconnect();
      settleFirst(failure);
    },
  };
}

export class WrittenCommand extends Command {
  /** The stream of the last write, which identifies the connection that replies. */
  socket: object | undefined;

  override toWritable(socket: Socket): string | Buffer {
    this.socket = socket;
    // Commands of the same tick share one packet, which halves the CPU time of concurrent ones.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    return super.toWritable(socket);
  }
}

export function command(name: string, ...args: readonly (string | Buffer)[]): WrittenCommand {
  return new WrittenCommand(name, [...args], { replyEncoding: 'utf8' });
}

/** Throws when the reply to HELLO comes from another kind of server, or from one that is too old. */
function checkServer(name: string, kind: ServerKind, hello: unknown): void {
  const { version, mode, role }: Record<string, unknown> = Object(hello);
  if (!(Number.parseInt(String(version), 10) >= oldestMajor)) {
    throw misconfigured(name, `is version ${String(version)}: swob needs Redis ${oldestMajor} or later`);
  }
  if (mode !== kind) {
    throw misconfigured(name, `is a ${String(mode)} server, not a ${kind} one: see the forms of [store] url`);
  }
  if (kind === 'standalone' && role !== 'master') {
    throw unavailable(name, 'is a replica now', 'swob waits for a master there; see [store] url');
  }
}
