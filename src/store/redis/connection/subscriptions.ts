// Who listens to which channel, and at which master: channels move with their slots. Used by connect.ts.

import type { Log } from '../../../domain/ports.ts';
import { messageOf } from '../../../errors.ts';
import { unavailable } from './failure.ts';
import type { Shard } from './shard.ts';
import type { Topology } from './topology.ts';

type Listener = (message: string) => void;

interface Channel {
  readonly listeners: Set<Listener>;
  shard: Shard | undefined;
  confirmed: Promise<void>;
}

export interface Subscriptions {
  /** `confirmed` rejects when the channel could not be had at first; it is kept even then. */
  add(channel: string, listener: Listener): { readonly confirmed: Promise<void>; end(): void };
  /** Takes every channel to the master that has it now. */
  settle(): void;
}

export function createSubscriptions(topology: Pick<Topology, 'shardOf'>, log: Log): Subscriptions {
  const channels = new Map<string, Channel>();

  const dispatch = (name: string, message: string): void => {
    for (const listener of channels.get(name)?.listeners ?? []) {
      try {
        listener(message);
      } catch (error) {
        // The client would take it for a broken connection.
        log.error({ channel: name, error: messageOf(error) }, 'a listener of Redis failed');
      }
    }
  };
  const place = (name: string, channel: Channel): void => {
    const shard = topology.shardOf(name);
    if (shard && shard === channel.shard) return;
    channel.shard?.unsubscribe(name);
    channel.shard = shard;
    channel.confirmed = shard
      ? shard.subscribe(name, (message) => dispatch(name, message))
      : Promise.reject(unavailable(name, 'has no known master for this channel', 'try again'));
    // Whoever wants to know awaits it; nobody has to.
    channel.confirmed.catch(() => undefined);
  };

  return {
    add: (name, listener) => {
      let channel = channels.get(name);
      if (!channel) {
        channel = { listeners: new Set(), shard: undefined, confirmed: Promise.resolve() };
        channels.set(name, channel);
        place(name, channel);
      }
      // One of its own, because the same function may listen twice.
      const own: Listener = (message) => listener(message);
      const { listeners } = channel;
      listeners.add(own);
      return {
        confirmed: channel.confirmed,
        end: () => {
          listeners.delete(own);
          const current = channels.get(name);
          if (current?.listeners !== listeners || listeners.size > 0) return;
          current.shard?.unsubscribe(name);
          channels.delete(name);
        },
      };
    },
    settle: () => {
      for (const [name, channel] of channels) place(name, channel);
    },
  };
}
