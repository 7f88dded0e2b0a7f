// A channel that stays subscribed at the master of its slot, over a connection of its own. Used by connect.ts.
//
// The client's own sharded subscribers do not report when, or whether, they have subscribed again after an outage:
// messages in between would be lost unnoticed.

import { Redis } from 'ioredis';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';
import { quietLog, watchConnection } from './connection.ts';
import type { Topology } from './topology.ts';

export interface SubscriptionOptions {
  readonly channel: string;
  readonly listener: (message: string) => void;
  readonly topology: Pick<Topology, 'name' | 'kind' | 'subscriber' | 'moved'>;
  /** The channel is subscribed, or no longer. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Subscription {
  /** Resolves when the channel is subscribed; throws UNAVAILABLE or CONFIG when it is not after the first attempt. */
  active(): Promise<void>;
  /** False after an attempt to subscribe has failed, until the next one succeeds. */
  isUp(): boolean;
  close(): void;
}

export function createSubscription(options: SubscriptionOptions): Subscription {
  const { channel, listener, topology, onChange, clock, log } = options;
  const subscriber = topology.subscriber(channel);
  const redis = new Redis(subscriber.options);
  let isStarting = true;
  const connection = watchConnection(redis, {
    name: topology.name,
    kind: topology.kind,
    prepare: () => redis.ssubscribe(channel),
    onChange,
    clock,
    log: quietLog(log),
  });
  const first = connection.first.then(() => {
    isStarting = false;
    onChange();
  });
  redis.on('smessage', (_channel, message: string) => {
    try {
      listener(message);
    } catch (error) {
      // The client would rethrow it outside every handler, which ends the process.
      log.error({ channel, error: messageOf(error) }, 'a listener of Redis failed');
    }
  });
  redis.on('moved', () => {
    topology.moved();
    redis.stream.destroy();
  });
  return {
    active: async () => {
      await first;
      if (!connection.isUp()) throw connection.failure();
    },
    isUp: () => isStarting || connection.isUp(),
    close: () => {
      redis.removeAllListeners('smessage');
      connection.close();
      subscriber.release();
    },
  };
}
