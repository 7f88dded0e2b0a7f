// One connection to one server of Redis, from its handshake to its end: it is never opened again. Used by link.ts,
// sentinel.ts and cluster.ts.

import { createClient } from '@redis/client';
import { addressName, type RedisAddress } from '../../../config/store-url.ts';
import type { Clock } from '../../../domain/ports.ts';
import { within } from '../../../domain/within.ts';
import type { SwobError } from '../../../errors.ts';
import { isDemotion, misconfigured, RedisReplyError, redisFailure, unavailable } from './failure.ts';

export type RedisArg = string | Buffer;

/** What every connection of an installation has in common. */
export interface NodeSettings {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly db: number;
  /** Undefined: plain TCP. `ca` in PEM; without it the usual authorities are trusted. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  /** Milliseconds for a connection to open, and for each answer. */
  readonly timeoutMs: number;
  /** Counts the commands that wait for their answers, on all connections. */
  readonly room: { taken: number; readonly max: number };
  readonly clock: Clock;
}

export interface RedisNode {
  /** `127.0.0.1:6379` */
  readonly name: string;
  /**
   * Sends a command at once. When no answer came in `limitMs` (by default the time for each answer) the connection
   * is given up, because answers come in order. Throws UNAVAILABLE, CONFIG, INTERNAL, or a RedisReplyError.
   */
  run(args: readonly RedisArg[], limitMs?: number): Promise<unknown>;
  /** Resolves when the server confirms; throws as `run` does. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** `listener` is the one that subscribed: without it the client drops whoever subscribes before it is answered. */
  unsubscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** Resolves with the reason when the connection has ended; never rejects. */
  readonly lost: Promise<SwobError>;
  /** Ends the connection; everything that waits for an answer fails with the reason. */
  drop(reason: SwobError): void;
  /** Lets the running commands end, for a second at most. */
  close(): Promise<void>;
}

/** What the server has to be: a master, a node of a cluster, or a Sentinel. */
export type NodeKind = 'standalone' | 'cluster' | 'sentinel';

/** An idle connection is tried this often, so that a server that is frozen or cut off is noticed. */
const pingMs = 2_000;
const closeMs = 1_000;
const oldestMajor = 7;

/**
 * Connects, signs in, and makes sure that the server is what it should be. `slackMs`: how much longer than usual a
 * ping may take, on a connection that waits for replicas. Throws UNAVAILABLE, or CONFIG when no waiting mends it.
 */
export async function openNode(
  address: RedisAddress,
  kind: NodeKind,
  settings: NodeSettings,
  slackMs = 0,
): Promise<RedisNode> {
  const { clock, timeoutMs, room, tls } = settings;
  const name = addressName(address);
  const socket = {
    host: address.host,
    port: address.port,
    connectTimeout: timeoutMs,
    // The link above connects again, with a new client: it may be to another server then.
    reconnectStrategy: false as const,
  };
  const client = createClient({
    socket: tls ? { ...socket, tls: true, ...(tls.ca !== undefined && { ca: tls.ca }) } : socket,
    ...(settings.user !== undefined && { username: settings.user }),
    ...(settings.password !== undefined && { password: settings.password }),
    database: settings.db,
    name: 'swob',
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The client's own bounds only the time until a command is written.
    commandOptions: { timeout: 0 },
  });

  let reason: SwobError | undefined;
  let tellLost = (_reason: SwobError): void => undefined;
  const lost = new Promise<SwobError>((resolve) => {
    tellLost = resolve;
  });
  const drop = (why: SwobError): void => {
    if (reason) return;
    reason = why;
    stopPings();
    client.destroy();
    tellLost(why);
  };
  const meaning = (error: unknown): SwobError | RedisReplyError =>
    // The client's own words for the end of a connection say less than our reason for it.
    (reason && !(error instanceof RedisReplyError) && reason) || redisFailure(name, error);
  const asReason = (error: unknown): SwobError => {
    const failure = redisFailure(name, error);
    return failure instanceof RedisReplyError ? misconfigured(name, `answers ${failure.code}`) : failure;
  };
  client.on('error', (error) => drop(asReason(error)));
  client.on('sharded-channel-moved', () =>
    drop(unavailable(name, 'has given a channel away', 'swob asks who has it')),
  );

  const bounded = async <T>(work: () => Promise<T>, limitMs: number): Promise<T> => {
    if (reason) throw reason;
    const cancel = clock.after(limitMs, () =>
      drop(
        unavailable(
          name,
          `has not answered for ${limitMs} ms`,
          'see whether it runs and can be reached, or raise [store] timeout',
        ),
      ),
    );
    try {
      return await work();
    } catch (error) {
      throw meaning(error);
    } finally {
      cancel();
    }
  };
  const send = async (args: readonly RedisArg[], limitMs: number): Promise<unknown> => {
    try {
      return await bounded<unknown>(() => client.sendCommand([...args]), limitMs);
    } catch (error) {
      if (isDemotion(error)) drop(asReason(error));
      throw error;
    }
  };

  // A ping that waits for its answer is bounded like every command.
  let pinging = false;
  const ping = async (): Promise<void> => {
    if (pinging) return;
    pinging = true;
    await send(['PING'], timeoutMs + slackMs).catch(() => undefined);
    pinging = false;
  };
  let stopPings = (): void => undefined;

  try {
    await bounded(() => client.connect(), 2 * timeoutMs);
    check(name, kind, await send(['HELLO'], timeoutMs));
    // HELLO is answered even while it reads its data. A Sentinel and a node of a cluster are asked more anyway.
    await send(['PING'], timeoutMs);
  } catch (error) {
    const failure = asReason(error);
    drop(failure);
    throw failure;
  }
  stopPings = clock.every(pingMs, () => void ping());

  return {
    name,
    lost,
    drop,
    run: async (args, limitMs = timeoutMs) => {
      if (room.taken >= room.max) {
        throw unavailable(
          name,
          `owes ${room.max} answers`,
          'try again; see whether it keeps up (INFO stats)',
        );
      }
      room.taken += 1;
      try {
        return await send(args, limitMs);
      } finally {
        room.taken -= 1;
      }
    },
    subscribe: (channel, listener) => bounded(() => client.sSubscribe(channel, listener), timeoutMs),
    unsubscribe: (channel, listener) =>
      bounded(async () => void (await client.sUnsubscribe(channel, listener)), timeoutMs),
    close: async () => {
      stopPings();
      const ended = unavailable(name, 'is no longer connected', 'swob is stopping');
      if (!reason)
        await within(
          clock,
          closeMs,
          client.close().catch(() => undefined),
        );
      drop(ended);
    },
  };
}

/** The answer to HELLO: throws when this is another kind of server, or too old a one. */
function check(name: string, kind: NodeKind, hello: unknown): void {
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
