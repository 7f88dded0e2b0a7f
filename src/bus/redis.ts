// The bus over Redis: one channel, whose events reach every process with sockets. Redis drops messages that it cannot
// deliver, so after an outage the sockets read their sessions from the store.

import type { SessionEvent } from '../domain/pairing/model.ts';
import type { Bus, BusListener } from '../domain/pairing/ports.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';
import { isObject, tryParseJson } from '../lib/json.ts';
import { createMemoryBus } from './memory.ts';

/** The part of the Redis client that the bus needs. */
interface Channels {
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): { active(): Promise<void>; end(): void };
  /** Runs after an outage, when everything is subscribed again. */
  onReconnect(listener: () => void): () => void;
}

export interface RedisBusDeps {
  readonly channels: Channels;
  /** Prefixes the name of the channel. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sockets that read their sessions together after an outage, so that Redis is not overloaded while it starts. */
const batchSize = 200;
/** Milliseconds between two batches. */
const batchPauseMs = 20;

export function createRedisBus(deps: RedisBusDeps): Bus {
  const { channels, prefix, clock } = deps;
  const channel = `${prefix}:bus:events`;
  const local = createMemoryBus();
  const listeners = new Set<BusListener>();
  let subscription: ReturnType<Channels['subscribe']> | undefined;
  let cancelNextBatch = (): void => {};

  const notifyInBatches = (rest: Iterator<BusListener>): void => {
    for (let count = 0; count < batchSize; count++) {
      const next = rest.next();
      if (next.done) return;
      next.value.onMissedEvents();
    }
    cancelNextBatch = clock.after(batchPauseMs, () => notifyInBatches(rest));
  };
  const stopListening = channels.onReconnect(() => {
    cancelNextBatch();
    notifyInBatches([...listeners].values());
  });

  const dispatch = (message: string): void => {
    const event = eventOf(message);
    if (event) return void local.publish(event);
    const remedy = 'set [store] prefix to separate programs';
    deps.log.warn({}, `ignored a message on the bus that swob did not send; ${remedy}`);
  };

  return {
    publish: async (event, log = deps.log) => {
      try {
        await channels.publish(channel, JSON.stringify(event));
      } catch (error) {
        const { kind, userId } = event;
        log.warn(
          { kind, userId, reason: messageOf(error) },
          'an event was not published; the socket reads its session at its next poll',
        );
      }
    },
    subscribe: async (userId, listener) => {
      // Not before the first socket: a process without sockets needs no events.
      subscription ??= channels.subscribe(channel, dispatch);
      await subscription.active();
      await local.subscribe(userId, listener);
      listeners.add(listener);
    },
    unsubscribe: (userId, listener) => {
      listeners.delete(listener);
      local.unsubscribe(userId, listener);
    },
    close: async () => {
      stopListening();
      cancelNextBatch();
      subscription?.end();
    },
  };
}

/** Undefined for a message that no bus has sent. */
function eventOf(message: string): SessionEvent | undefined {
  const value = tryParseJson(message);
  if (!isObject(value)) return undefined;
  const { kind, userId, sessionId } = value;
  if (kind !== 'pause' && kind !== 'ack') return undefined;
  if (typeof userId !== 'string' || typeof sessionId !== 'string') return undefined;
  return { kind, userId, sessionId };
}
