// The Redis that all processes of swob share: one server, a master behind Sentinels, or a cluster. Used by the adapters
// of the store and the bus, and by app/compose.
//
// ioredis connects, reconnects and follows a cluster. On top of it, waits are bounded, errors mapped, the server checked
// and durable writes confirmed by replicas.

import { createHash } from 'node:crypto';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { withTimeout } from '../domain/shared/with-timeout.ts';
import { SwobError } from '../errors.ts';
import { coalesceNext } from '../lib/coalesce-next.ts';
import { formatAddress, type RedisAddress } from './address.ts';
import { type Connection, clientOptions, command, quietLog, type WrittenCommand } from './connection.ts';
import { isReply, unavailable } from './failure.ts';
import { followSentinels } from './sentinel.ts';
import { createSubscription, type Subscription } from './subscription.ts';
import { createCluster, createSingle, type Topology } from './topology.ts';

/** Commands that may wait for their replies; further ones are rejected. */
const defaultMaxInFlight = 10_000;
/** For running commands when closing. */
const closeMs = 1_000;

export interface RedisOptions {
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** The server, the Sentinels, or some nodes of the cluster; IPv6 hosts without brackets. */
  readonly nodes: readonly RedisAddress[];
  /** The Sentinels' name of the master. */
  readonly master?: string | undefined;
  /** 0 in a cluster. */
  readonly db: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Undefined: plain TCP. `ca` in PEM; without it the usual authorities are trusted. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  /** Milliseconds for opening a connection, and for each reply. */
  readonly timeoutMs: number;
  /** Replicas that must acknowledge a durable write, and milliseconds for that. */
  readonly replicas: number;
  readonly replicaTimeoutMs: number;
  readonly maxInFlight?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A Lua script, defined next to the adapter that runs it. */
export interface RedisScript {
  /** Identifies the script in messages about its defects. */
  readonly name: string;
  readonly lua: string;
  /** The number of KEYS; at least one, and in a cluster all with the same hash tag. */
  readonly keys: number;
}

type RedisArg = string | Buffer;

/** `key` is the one among `args` that determines the node; undefined sends the command to any master. */
interface RedisCommand {
  readonly key?: string;
  readonly args: readonly RedisArg[];
}

interface RedisScriptCall {
  readonly script: RedisScript;
  readonly keys: readonly string[];
  readonly args: readonly RedisArg[];
}

interface RedisSubscription {
  /**
   * Resolves when Redis has confirmed the subscription. Throws UNAVAILABLE or CONFIG when the first attempt has failed, and
   * during an outage; attempts continue.
   */
  active(): Promise<void>;
  end(): void;
}

interface RedisMaster {
  readonly name: string;
  run(args: readonly RedisArg[]): Promise<unknown>;
}

/**
 * Nothing waits for Redis to recover. Everything throws UNAVAILABLE when Redis cannot be reached, does not reply in
 * time, or is in no state to serve; whether a running command took effect is then unknown. CONFIG
 * when it rejects our user, INTERNAL when a command or script is wrong. Replies are as RESP3 has them: strings,
 * numbers, null, arrays, and objects for maps.
 */
export interface RedisClient {
  run(call: RedisCommand | RedisScriptCall): Promise<unknown>;
  /** The same for a write; resolves once the configured number of replicas has it. */
  durable(call: (RedisCommand & { readonly key: string }) | RedisScriptCall): Promise<unknown>;
  /** Sharded (SPUBLISH). @returns how many connections to that master received it */
  publish(channel: string, message: string): Promise<number>;
  /**
   * Sharded (SSUBSCRIBE), over a connection of its own; restored after every outage, during which messages are lost.
   */
  subscribe(channel: string, listener: (message: string) => void): RedisSubscription;
  /** Every master, for SCAN; throws UNAVAILABLE while one of them is unknown. */
  masters(): readonly RedisMaster[];
  /** `ok`: every master is connected. */
  state(): 'ok' | 'unreachable';
  /** Runs after an outage, once everything is connected and subscribed again. @returns a function that unsubscribes */
  onReconnect(listener: () => void): () => void;
  /** Idempotent; waits up to a second for running commands. */
  close(): Promise<void>;
}

/**
 * Resolves also when Redis cannot be reached, and connects later: after a power cut all machines may start together.
 * Throws CONFIG when it rejects our credentials, is older than Redis 7, or is another kind of server.
 */
export async function connectRedis(options: RedisOptions): Promise<RedisClient> {
  const { mode, nodes, replicas, replicaTimeoutMs, timeoutMs, clock, log } = options;
  const maxInFlight = options.maxInFlight ?? defaultMaxInFlight;
  const listeners = new Set<() => void>();
  const running = new Set<Promise<unknown>>();
  const subscriptions = new Set<Subscription>();
  let wasUp = false;
  let everUp = false;
  let closed: Promise<void> | undefined;

  const names = nodes.map(formatAddress).join(', ');
  const sentinels =
    mode === 'sentinel'
      ? followSentinels({
          addresses: nodes,
          masterName: options.master ?? '',
          access: { ...options, user: undefined, password: options.sentinelPassword, db: 0 },
          clock,
          log,
        })
      : undefined;
  const open = (slackMs: number, connectionLog: Log): Topology => {
    const [address = { host: 'localhost', port: 6379 }] = nodes;
    const limits = { commandTimeout: timeoutMs + slackMs, socketTimeout: timeoutMs + slackMs };
    const target = sentinels ? { Connector: sentinels.Connector } : address;
    const topology = {
      options: { ...clientOptions(options), ...limits, ...(mode !== 'cluster' && target) },
      name: () => sentinels?.name() ?? (mode === 'cluster' ? `${names} (cluster)` : names),
      onChange: () => changed(),
      clock,
      log: connectionLog,
    };
    return mode === 'cluster' ? createCluster(nodes, topology) : createSingle(topology);
  };
  const isUp = (): boolean => !closed && [commands, writes, ...subscriptions].every((part) => part.isUp());
  const changed = (): void => {
    const nowUp = isUp();
    if (nowUp && !wasUp && everUp) for (const listener of listeners) listener();
    wasUp = nowUp;
    everUp ||= nowUp;
  };

  const commands = open(0, log);
  // A separate connection, because WAIT blocks everything that follows on its connection.
  const writes = replicas === 0 ? commands : open(replicaTimeoutMs, quietLog(log));
  const closeAll = (): void => {
    for (const part of [sentinels, commands, writes, ...subscriptions]) part?.close();
  };

  const failures = await Promise.all([commands.first, writes.first]);
  changed();
  const failure = failures.find((found) => found?.code === 'CONFIG');
  if (failure) {
    closeAll();
    throw failure;
  }

  /** Limits the running commands, and lets `close` wait for them. */
  const track = async <T>(topology: Topology, work: () => Promise<T>): Promise<T> => {
    if (closed) throw unavailable(topology.name(), 'is no longer connected', 'swob is stopping');
    if (running.size >= maxInFlight) {
      const remedy = 'try again; see whether it keeps up (INFO stats)';
      throw unavailable(topology.name(), `has not replied to ${maxInFlight} commands`, remedy);
    }
    const call = work();
    running.add(call);
    try {
      return await call;
    } finally {
      running.delete(call);
    }
  };
  const confirmReplicas = coalesceNext(async (connection: Connection) => {
    const confirmed = await connection.send(command('WAIT', String(replicas), String(replicaTimeoutMs)));
    if (Number(confirmed) >= replicas) return;
    const few = `${Number(confirmed)} of ${replicas} replicas have it after ${replicaTimeoutMs} ms`;
    const remedy = 'see INFO replication, or change [store] replicas or replica_timeout';
    throw unavailable(connection.name(), `has written it, but ${few}`, remedy);
  });
  /** WAIT covers only the writes of its own connection: not those of one lost meanwhile, or of another node. */
  const connectionOf = (write: WrittenCommand): Connection => {
    const connection = writes.masters().find(({ redis }) => redis.stream === write.socket);
    if (!connection?.isUp())
      throw unavailable(writes.name(), 'was lost before its replicas had it', 'try again');
    return connection;
  };

  return {
    run: (call) => track(commands, async () => (await send(commands, call)).reply),
    durable: (call) =>
      track(writes, async () => {
        const { reply, write } = await send(writes, call);
        if (replicas > 0) await confirmReplicas(connectionOf(write));
        return reply;
      }),
    publish: async (channel, message) =>
      Number(await track(commands, () => commands.send(command('SPUBLISH', channel, message)))),
    subscribe: (channel, listener) => {
      const parts = { channel, listener, topology: commands, onChange: changed, clock, log };
      const subscription = createSubscription(parts);
      subscriptions.add(subscription);
      return {
        active: subscription.active,
        end: () => {
          if (!subscriptions.delete(subscription)) return;
          subscription.close();
          changed();
        },
      };
    },
    masters: () =>
      commands.masters().map((connection) => ({
        name: connection.name(),
        run: ([name = '', ...args]) => track(commands, () => connection.send(command(String(name), ...args))),
      })),
    state: () => (isUp() ? 'ok' : 'unreachable'),
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      closed ??= withTimeout(clock, closeMs, Promise.allSettled(running)).then(closeAll);
      return closed;
    },
  };
}

const shas = new Map<string, string>();

async function send(
  topology: Topology,
  call: RedisCommand | RedisScriptCall,
): Promise<{ reply: unknown; write: WrittenCommand }> {
  const attempt = async (name: string, args: readonly RedisArg[]) => {
    const write = command(name, ...args);
    return { reply: await topology.send(write), write };
  };
  if (!('script' in call)) {
    const [name = '', ...args] = call.args;
    return attempt(String(name), args);
  }
  const { script, keys, args } = call;
  if (keys.length !== script.keys || keys.length === 0) {
    throw new SwobError('INTERNAL', `script ${script.name} takes ${script.keys} keys, not ${keys.length}`);
  }
  const sha = shas.get(script.lua) ?? createHash('sha1').update(script.lua).digest('hex');
  shas.set(script.lua, sha);
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await attempt('EVALSHA', [sha, ...rest]).catch((error: unknown) => {
      if (!isReply(error, 'NOSCRIPT')) throw error;
      return attempt('EVAL', [script.lua, ...rest]);
    });
  } catch (error) {
    if (!(error instanceof SwobError) || error.code !== 'INTERNAL') throw error;
    throw new SwobError('INTERNAL', `script ${script.name}: ${error.message}`, { cause: error });
  }
}
