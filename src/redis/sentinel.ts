// Finds the master that Sentinels name, and disconnects from it when they announce its replacement. Used by connect.ts.
//
// The client alone switches on +switch-master, up to ten seconds after the replica was promoted: the old master accepts
// writes until then, and loses them. It also trusts the first Sentinel that replies, even an outdated one.

import { Redis, type RedisOptions } from 'ioredis';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { formatAddress, type RedisAddress } from './address.ts';
import {
  type Connection,
  clientOptions,
  command,
  quietLog,
  type ServerAccess,
  watchConnection,
} from './connection.ts';
import { misconfigured, unavailable } from './failure.ts';
import { createMasterConnector } from './master-connector.ts';

export interface SentinelOptions {
  readonly addresses: readonly RedisAddress[];
  readonly masterName: string;
  /** In the form that Sentinel commands take. */
  readonly access: ServerAccess;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Sentinels {
  /** For the client: connects to the current master, and destroys the connection when the master is replaced. */
  readonly Connector: NonNullable<RedisOptions['Connector']>;
  /** The current master, or the Sentinels while there is none. */
  name(): string;
  close(): void;
}

interface Sentinel {
  readonly connection: Connection;
  /** Start of its failover by the monotonic clock; undefined when it is replacing no master. */
  replacingSince?: number | undefined;
}

/** A Sentinel's view of the master. */
interface View {
  /** Undefined while it is replacing the master. */
  readonly master: RedisAddress | undefined;
  /** Higher with every failover. */
  readonly epoch: number;
}

/** In the order of a failover. Only the Sentinel that leads it publishes the first two. */
const channels = ['+failover-state-send-slaveof-noone', '+promoted-slave', '+switch-master'];
/** In these states the old master still replies as one, and the replica has already been promoted. */
const replacing = ['send_slaveof_noone', 'wait_promotion'];
/** A replica that is not promoted by then may never be; the Sentinels abort only minutes later. */
const maxReplacingMs = 10_000;

export function followSentinels(options: SentinelOptions): Sentinels {
  const { addresses, masterName, access, clock, log } = options;
  let latestEpoch = 0;
  /** Undefined while the master is being replaced, or unknown. */
  let current: string | undefined;
  const clientDefaults = clientOptions(access);

  const follow = (address: RedisAddress): Sentinel => {
    const redis = new Redis({ ...clientDefaults, ...address });
    const connection = watchConnection(redis, {
      name: () => formatAddress(address),
      kind: 'sentinel',
      prepare: () => redis.subscribe(...channels),
      // Announcements may have been missed while disconnected.
      onChange: (isUp) => isUp && check(sentinel),
      clock,
      log: quietLog(log),
    });
    redis.on('message', (_channel, message: string) => {
      if (!message.split(' ').includes(masterName)) return;
      // The leader of a failover is a second or two ahead of the others.
      sentinels = [sentinel, ...sentinels.filter((other) => other !== sentinel)];
      check(sentinel);
    });
    const sentinel: Sentinel = { connection };
    return sentinel;
  };

  const readView = async (sentinel: Sentinel): Promise<View> => {
    const { connection } = sentinel;
    await connection.first;
    if (!connection.isUp()) throw asSentinel(connection);
    const query = (...words: string[]): Promise<unknown> =>
      connection.send(command('SENTINEL', ...words, masterName)).catch((error: unknown) => {
        throw /No such master/.test(messageOf(error)) ? noSuchMaster(connection, masterName) : error;
      });
    const state = Object(await query('MASTER'));
    const now = clock.monotonic();
    const since = replacing.includes(state['failover-state']) ? (sentinel.replacingSince ?? now) : undefined;
    sentinel.replacingSince = since;
    if (since !== undefined && now - since < maxReplacingMs) return { master: undefined, epoch: latestEpoch };
    const reply = await query('GET-MASTER-ADDR-BY-NAME');
    const [host, port]: unknown[] = Array.isArray(reply) ? reply : [];
    if (typeof host !== 'string') throw noSuchMaster(connection, masterName);
    return { master: { host, port: Number(port) }, epoch: Number(state['config-epoch']) };
  };

  const accept = ({ master, epoch }: View): void => {
    latestEpoch = epoch;
    current = master && formatAddress(master);
    leaveAllBut(current, (left) => replaced(left, current));
  };
  const check = (sentinel: Sentinel): void => {
    readView(sentinel).then(
      (view) => view.epoch >= latestEpoch && accept(view),
      (error) =>
        log.debug(
          { redis: sentinel.connection.name(), reason: messageOf(error) },
          'a Sentinel names no master',
        ),
    );
  };

  let sentinels = addresses.map(follow);

  const findMaster = async (): Promise<RedisAddress> => {
    let failure: SwobError | undefined;
    let view: View | undefined;
    for (const sentinel of sentinels) {
      try {
        const next = await readView(sentinel);
        if (!view || next.epoch > view.epoch) view = next;
        if (view.epoch >= latestEpoch) break;
      } catch (error) {
        if (!(error instanceof SwobError)) throw error;
        // A rejection says more than an unreachable Sentinel.
        if (failure?.code !== 'CONFIG') failure = error;
      }
    }
    if (!view)
      throw failure ?? unavailable('an unknown address', 'cannot be found', 'name Sentinels in [store] url');
    // Also an outdated epoch: Sentinels that were all set up again count from the beginning.
    accept(view);
    if (!view.master) throw replaced(masterName, undefined);
    return view.master;
  };
  const { Connector, leaveAllBut } = createMasterConnector(findMaster, clientDefaults);

  return {
    Connector,
    name: () =>
      current ??
      `${masterName} (Sentinels ${sentinels.map(({ connection }) => connection.name()).join(', ')})`,
    close: () => {
      for (const { connection } of sentinels) connection.close();
    },
  };
}

function replaced(name: string, by: string | undefined): SwobError {
  const advice = by === undefined ? 'swob waits for the new one' : `the new one is ${by}`;
  return unavailable(name, 'is replaced as master by the Sentinels', advice);
}

function noSuchMaster(sentinel: Connection, masterName: string): SwobError {
  return misconfigured(sentinel.name(), `is a Sentinel that knows no master ${masterName}: mend [store] url`);
}

/** Sentinels have their own password. */
function asSentinel(sentinel: Connection): SwobError {
  const failure = sentinel.failure();
  if (failure.code !== 'CONFIG' || !failure.message.includes('password')) return failure;
  return misconfigured(
    sentinel.name(),
    'is a Sentinel that refuses our password: mend [store] sentinel_password',
    failure,
  );
}
