// The bus over Redis: sharded pub/sub, a channel for each user that a socket here waits for. Redis forgets what it
// cannot deliver, so after an outage the sockets look at their sessions.

import type { SessionEvent } from '../domain/model.ts';
import type { Bus, BusListener, Clock, Log } from '../domain/ports.ts';
import { messageOf } from '../errors.ts';

/** Of the connection to Redis, what a bus needs. */
interface Channels {
  publish(channel: string, message: string): Promise<number>;
  subscribe(
    channel: string,
    listener: (message: string) => void,
  ): { readonly confirmed: Promise<void>; end(): void };
  /** Runs after an outage, when everything is subscribed again. */
  onReconnect(listener: () => void): () => void;
}

export interface RedisBusDeps {
  readonly channels: Channels;
  /** Begins the name of every channel. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** After an outage all sockets ask, and Redis has just come up: so many at once, with such a pause between. */
const askedAtOnce = 200;
const pauseMs = 20;

export function createRedisBus(deps: RedisBusDeps): Bus {
  const { channels, prefix, clock } = deps;
  const listeners = new Set<BusListener>();
  let cancelAsking = (): void => {};

  const askAll = (rest: Iterator<BusListener>): void => {
    for (let asked = 0; asked < askedAtOnce; asked++) {
      const next = rest.next();
      if (next.done) return;
      next.value.missed();
    }
    cancelAsking = clock.after(pauseMs, () => askAll(rest));
  };
  const stopListening = channels.onReconnect(() => {
    cancelAsking();
    askAll([...listeners].values());
  });

  const channelOf = (userId: string): string => `${prefix}:bus:${userId}`;

  return {
    publish: async (event, log = deps.log) => {
      try {
        await channels.publish(channelOf(event.userId), JSON.stringify(event));
      } catch (error) {
        const { kind, userId } = event;
        log.warn({ kind, userId, reason: messageOf(error) }, 'a socket was not told; it will look by itself');
      }
    },
    subscribe: async (userId, listener) => {
      const subscription = channels.subscribe(channelOf(userId), (message) => {
        const event = eventOf(message);
        if (event) listener.heard(event);
        else
          deps.log.warn(
            {},
            'a message on the bus is none of ours; [store] prefix keeps other programs apart',
          );
      });
      listeners.add(listener);
      const stop = (): void => {
        listeners.delete(listener);
        subscription.end();
      };
      try {
        await subscription.confirmed;
      } catch (error) {
        stop();
        throw error;
      }
      return stop;
    },
    close: async () => {
      stopListening();
      cancelAsking();
    },
  };
}

/** Undefined for what no bus has sent. */
function eventOf(message: string): SessionEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  const { kind, userId, sessionId }: Partial<Record<keyof SessionEvent, unknown>> = Object(value);
  if (kind !== 'pause' && kind !== 'ack') return undefined;
  if (typeof userId !== 'string' || typeof sessionId !== 'string') return undefined;
  return { kind, userId, sessionId };
}
