// The connection of a swob to Redis, be it one server, a master that Sentinels watch, or a cluster. Used by the
// adapters of the store and of the bus, and by app/compose.
//
// The client's own classes for Sentinel and Cluster are not used: they wait for a master for up to 16 s and send a
// command again that was reported as failed, have no bound for answers, and never give up a server that is frozen.

import { createHash } from 'node:crypto';
import type { RedisAddress } from '../../../config/store-url.ts';
import type { Clock, Log } from '../../../domain/ports.ts';
import { SwobError } from '../../../errors.ts';
import { RedisReplyError } from './failure.ts';
import { makeTopology } from './make-topology.ts';
import type { RedisArg } from './node.ts';
import type { Work } from './shard.ts';
import { createSubscriptions } from './subscriptions.ts';

/** Commands that may wait for their answers; more are refused. */
const defaultMaxInFlight = 10_000;

export interface RedisOptions {
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** The server, the Sentinels, or some nodes of the cluster; hosts of IPv6 without brackets. */
  readonly nodes: readonly RedisAddress[];
  /** What the Sentinels call the master. */
  readonly master?: string | undefined;
  /** 0 in a cluster. */
  readonly db: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Undefined: plain TCP. `ca` in PEM; without it the usual authorities are trusted. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  /** Milliseconds for a connection to open, and for each answer. */
  readonly timeoutMs: number;
  /** Replicas that must have a durable write, and milliseconds for that. */
  readonly replicas: number;
  readonly replicaTimeoutMs: number;
  readonly maxInFlight?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A Lua script, which stands next to the adapter that runs it. */
export interface RedisScript {
  /** In messages about its defects. */
  readonly name: string;
  readonly lua: string;
  /** How many KEYS it takes; at least one, and in a cluster all with the same hash tag. */
  readonly keys: number;
}

/** `key` is the one among `args` that says where the command has to go; undefined: to any master. */
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
  /** Resolves when Redis has confirmed it; rejects UNAVAILABLE when it could not at first. It is kept even then. */
  readonly confirmed: Promise<void>;
  end(): void;
}

interface RedisMaster {
  readonly name: string;
  run(args: readonly RedisArg[]): Promise<unknown>;
}

/**
 * Nothing waits for Redis to come back. Everything throws UNAVAILABLE when Redis cannot be reached, does not answer in
 * time, or is in no state to answer; whether a command that was under way had its effect is not known then. CONFIG
 * when it refuses our user, INTERNAL when a command or script is wrong. Answers are as `@redis/client` reads RESP3:
 * strings, numbers, null, arrays, and objects for maps.
 */
export interface RedisConnection {
  run(call: RedisCommand | RedisScriptCall): Promise<unknown>;
  /** The same for a write, which as many replicas as configured have when this resolves. */
  durable(call: (RedisCommand & { readonly key: string }) | RedisScriptCall): Promise<unknown>;
  /** Sharded (SPUBLISH). @returns how many connections to that master got it */
  publish(channel: string, message: string): Promise<number>;
  /** Sharded (SSUBSCRIBE), over every outage; messages of an outage are lost. */
  subscribe(channel: string, listener: (message: string) => void): RedisSubscription;
  /** Every master, for SCAN; throws UNAVAILABLE while they are not all known. */
  masters(): readonly RedisMaster[];
  /** `ok`: every master is connected. */
  state(): 'ok' | 'unreachable';
  /** Runs after an outage, when everything is connected again and subscribed. @returns a function that ends it */
  onReconnect(listener: () => void): () => void;
  /** Idempotent; lets running commands end, for a second at most. */
  close(): Promise<void>;
}

/**
 * Resolves also when Redis cannot be reached, and connects later: all machines may come up at once after a power cut.
 * Throws CONFIG when it refuses our credentials, is older than Redis 7, or is another kind of server.
 */
export async function connectRedis(options: RedisOptions): Promise<RedisConnection> {
  const max = options.maxInFlight ?? defaultMaxInFlight;
  const { log } = options;
  const room = { taken: 0, max };
  const listeners = new Set<() => void>();
  const shas = new Map<string, string>();
  let wasUp = false;
  let everUp = false;
  let closed: Promise<void> | undefined;

  const changed = (): void => {
    const isUp = topology.isUp();
    if (isUp && !wasUp && everUp) for (const listener of listeners) listener();
    wasUp = isUp;
    everUp ||= isUp;
  };
  const topology = makeTopology(options, { ...options, room }, changed, () => subscriptions.settle());
  const subscriptions = createSubscriptions(topology, log);

  const failure = await topology.first;
  changed();
  if (failure?.code === 'CONFIG') {
    await topology.close();
    throw failure;
  }

  const workOf = (call: RedisCommand | RedisScriptCall): Work => {
    if ('args' in call && !('script' in call)) return (node) => node.run(call.args);
    const { script, keys, args } = call;
    if (keys.length !== script.keys || keys.length === 0) {
      throw new SwobError('INTERNAL', `script ${script.name} takes ${script.keys} keys, not ${keys.length}`);
    }
    const sha = shas.get(script.lua) ?? createHash('sha1').update(script.lua).digest('hex');
    shas.set(script.lua, sha);
    const rest = [String(keys.length), ...keys, ...args];
    return async (node) => {
      try {
        return await node.run(['EVALSHA', sha, ...rest]).catch((error: unknown) => {
          if (!(error instanceof RedisReplyError) || error.code !== 'NOSCRIPT') throw error;
          return node.run(['EVAL', script.lua, ...rest]);
        });
      } catch (error) {
        if (!(error instanceof SwobError) || error.code !== 'INTERNAL') throw error;
        throw new SwobError('INTERNAL', `script ${script.name}: ${error.message}`, { cause: error });
      }
    };
  };
  const keyOf = (call: RedisCommand | RedisScriptCall): string | undefined =>
    'script' in call ? call.keys[0] : call.key;

  return {
    run: async (call) => topology.run(keyOf(call), workOf(call)),
    durable: async (call) => topology.durable(keyOf(call) ?? '', workOf(call)),
    publish: async (channel, message) =>
      Number(await topology.run(channel, (node) => node.run(['SPUBLISH', channel, message]))),
    subscribe: subscriptions.add,
    masters: () =>
      topology.masters().map((shard) => ({
        name: shard.name,
        run: (args) => shard.run((node) => node.run(args)),
      })),
    state: () => (topology.isUp() ? 'ok' : 'unreachable'),
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      closed ??= topology.close();
      return closed;
    },
  };
}
