// How commands reach the master of their keys: over one connection, or through the client for a cluster. Used by
// connect.ts.

import { Cluster, Command, Redis } from 'ioredis';
import type { Clock, Log } from '../domain/shared/ports.ts';
import type { SwobError } from '../errors.ts';
import { formatAddress, type RedisAddress } from './address.ts';
import { type ClientOptions, type Connection, reconnectPause, watchConnection } from './connection.ts';
import { isReply, isTimeout, redisFailure, unavailable } from './failure.ts';
import { createMasterConnector } from './master-connector.ts';

/** How often the slots of a cluster are fetched: a new master is used this long after its promotion at most. */
const slotsRefreshMs = 2_000;
/** A command that is redirected more often indicates that the nodes of the cluster disagree. */
const maxRedirections = 5;
const slotCount = 16_384;

export interface Topology {
  name(): string;
  /** Sends the command to the master of its keys; throws as `Connection.send`. */
  send(command: Command): Promise<unknown>;
  /** All connections to masters. Throws UNAVAILABLE while a master is unknown. */
  masters(): readonly Connection[];
  /** The kind of its masters. */
  readonly kind: 'standalone' | 'cluster';
  /** For a connection that stays at the master of the channel until `release`. */
  subscriber(channel: string): Subscriber;
  /** Looks up the masters again, because keys or channels have moved. */
  moved(): void;
  isUp(): boolean;
  readonly first: Promise<SwobError | undefined>;
  close(): void;
}

interface Subscriber {
  readonly options: ClientOptions;
  release(): void;
}

export interface TopologyOptions {
  readonly options: ClientOptions;
  /** Names the server, the master, or the seeds of the cluster in messages. */
  readonly name: () => string;
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** One server, or the master that a connector in `options` finds. */
export function createSingle({ options, ...rest }: TopologyOptions): Topology {
  const connection = watchConnection(new Redis(options), { ...rest, kind: 'standalone' });
  return {
    name: rest.name,
    kind: 'standalone',
    send: async (command) => {
      if (!connection.isUp()) throw connection.failure();
      return connection.send(command);
    },
    masters: () => [connection],
    subscriber: () => ({ options, release: noop }),
    moved: noop,
    isUp: connection.isUp,
    first: connection.first,
    close: connection.close,
  };
}

export function createCluster(
  seeds: readonly RedisAddress[],
  { options, name, onChange, clock, log }: TopologyOptions,
): Topology {
  const connections = new Map<Redis, Connection>();
  let failure = unavailable(name(), 'is not connected yet', 'try again');
  const { retryStrategy: _retryStrategy, enableOfflineQueue: _queue, ...redisOptions } = options;
  const cluster = new Cluster([...seeds], {
    redisOptions,
    clusterRetryStrategy: reconnectPause,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRedirections,
    // A failed command may have had its effect, so it is not sent again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: options.commandTimeout,
    slotsRefreshInterval: slotsRefreshMs,
    // The certificate is checked against the host name.
    dnsLookup: (host, done) => done(null, host),
  });

  const watch = (redis: Redis): void => {
    const connection = watchConnection(redis, {
      name: () => formatAddress(addressOf(redis)),
      kind: 'cluster',
      onChange,
      clock,
      log,
    });
    connections.set(redis, connection);
    redis.once('end', () => connections.delete(redis));
    // The client ignores this promise, and an unhandled rejection would end the process.
    const sendAsking = redis.asking.bind(redis);
    redis.asking = () => {
      const reply = sendAsking();
      reply.catch(noop);
      return reply;
    };
    // The client connects when a command needs the master; its state has to be known before. Replicas are not used.
    if (!redis.options.readOnly) redis.connect().catch(noop);
  };
  cluster.on('+node', watch);

  /** `key` is the client's in its map of slots. */
  const masterOf = (key: string | undefined): Connection | undefined => {
    const redis = cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === key);
    return redis && connections.get(redis);
  };
  const owners = (): (Connection | undefined)[] => {
    const keys = new Set(Array.from({ length: slotCount }, (_, slot) => cluster.slots[slot]?.[0]));
    return [...keys].map(masterOf);
  };
  const isUp = (): boolean =>
    cluster.status === 'ready' && owners().every((connection) => connection?.isUp());

  const first = new Promise<SwobError | undefined>((resolve) => {
    cluster.on('node error', (error, node: string) => {
      failure = redisFailure(node, error, options.commandTimeout);
    });
    cluster.on('error', () => resolve(failure));
    cluster.on('ready', () => {
      failure = unavailable(name(), 'has lost a connection', 'try again');
    });
    cluster.once('ready', async () => {
      const failures = await Promise.all(owners().map((connection) => connection?.first));
      resolve(failures.find((found) => found !== undefined));
    });
  });
  cluster.on('refresh', onChange);

  return {
    name,
    kind: 'cluster',
    send: async (command) => {
      try {
        cluster.sendCommand(command);
        return await command.promise;
      } catch (error) {
        if (isReply(error, 'NOSCRIPT')) throw error;
        if (isReply(error) || isTimeout(error)) throw redisFailure(name(), error, options.commandTimeout);
        if (/^Too many Cluster redirections/.test(String(Object(error).message)))
          throw unavailable(name(), 'sends a key from node to node', 'see CLUSTER NODES', error);
        throw (
          owners()
            .find((connection) => connection && !connection.isUp())
            ?.failure() ?? failure
        );
      }
    },
    masters: () => {
      const found = owners().filter((connection) => connection !== undefined);
      if (found.length === 0 || found.length < owners().length)
        throw unavailable(name(), 'misses the master of some slots', 'see CLUSTER INFO and CLUSTER NODES');
      return found;
    },
    subscriber: (channel) => {
      const slot = new Command('SSUBSCRIBE', [channel]).getSlot();
      const ownerOf = () => masterOf(cluster.slots[slot]?.[0]);
      const { Connector, leaveAllBut } = createMasterConnector(async () => {
        const owner = ownerOf();
        if (!owner) throw unavailable(name(), 'has no known master for a channel', 'try again');
        return addressOf(owner.redis);
      }, options);
      const followOwner = (): void =>
        leaveAllBut(ownerOf()?.name(), (left) =>
          unavailable(left, 'no longer has this channel', 'try again'),
        );
      cluster.on('refresh', followOwner);
      return {
        options: { ...options, Connector },
        release: () => void cluster.off('refresh', followOwner),
      };
    },
    moved: () => cluster.refreshSlotsCache(),
    isUp,
    first,
    close: () => {
      for (const connection of connections.values()) connection.close();
      cluster.disconnect();
    },
  };
}

function addressOf({ options: { host = '', port = 0 } }: Redis): RedisAddress {
  return { host, port };
}

function noop(): void {}
