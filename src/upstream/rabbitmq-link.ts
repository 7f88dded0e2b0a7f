// The connection to RabbitMQ, which comes back by itself, with its one channel. Used by rabbitmq.ts.

import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { type AmqpAddress, amqpFailure, brokerName } from '../domain/amqp.ts';
import { exchangeName } from '../domain/outgoing-names.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { within } from '../domain/within.ts';

const connectTimeoutMs = 10_000;
/** A broker that is silent for two of these is gone; so this bounds what amqplib itself waits for without end. */
const heartbeatSeconds = 30;
const recoveryDelays = { initialDelay: 100, maxDelay: 5_000, factor: 2 };
/** How long an outage may last before nobody waits for its end any more. */
const graceMs = 2_000;
/** Time for a broker to say goodbye. */
const closeMs = 1_000;

/** A channel that stands, its exchange asserted. */
export interface Link {
  readonly channel: ConfirmChannel;
  /** The broker is short of memory or disk and reads nothing. */
  readonly blocked: boolean;
  /** Gives it up for a new one; what it has not confirmed never will be. */
  renew(reason: string): void;
}

export interface LinkKeeper {
  /** The link that is up. Waits for one until an outage has lasted 2 s; undefined when there is none then. */
  current(): Promise<Link | undefined>;
  /** The link that is up now, without waiting. */
  now(): Link | undefined;
  /** Idempotent; takes a second at most. */
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly address: AmqpAddress;
  readonly clock: Clock;
  readonly log: Log;
  /** A message came back because no queue takes it. */
  onReturn(messageId: unknown): void;
}

/** Begins to connect, and keeps trying for as long as it is not closed. */
export function keepLink({ address, clock, log, onReturn }: LinkOptions): LinkKeeper {
  const broker = brokerName(address);
  const sockets = new AbortController();
  const waiting = new Set<() => void>();
  /** What was said about the outage: each reason once, however many attempts there are. */
  const told = new Set<string>();
  let link: Link | undefined;
  let downSince = clock.monotonic();
  let closed: Promise<void> | undefined;

  const wake = (): void => {
    for (const resolve of waiting) resolve();
  };

  const setUp = async (model: ChannelModel): Promise<void> => {
    let reason = 'the connection was closed';
    let blocked = false;
    const note = (error?: Error): void => {
      if (error) reason = amqpFailure(error).reason;
    };
    model.on('error', note).on('close', note);
    model.on('blocked', () => {
      blocked = true;
      log.warn({ broker }, 'the message broker is short of memory or disk and takes no SMS');
    });
    model.on('unblocked', () => {
      blocked = false;
      log.info({ broker }, 'the message broker takes SMS again');
    });
    const channel = await model.createConfirmChannel();
    channel.on('error', note).on('return', ({ properties }) => onReturn(properties.messageId));
    await channel.assertExchange(exchangeName, 'topic', { durable: true });

    const drop = (): void => {
      if (link !== opened) return;
      link = undefined;
      downSince = clock.monotonic();
    };
    // Recovery makes a connection and its channel anew; a channel alone it would not miss.
    const disconnect = (): void => void model.close().catch(() => undefined);
    const opened: Link = {
      channel,
      get blocked() {
        return blocked;
      },
      renew: (why) => {
        reason = why;
        drop();
        disconnect();
      },
    };
    channel.once('close', () => {
      drop();
      // Not now: when the whole connection closes, amqplib is in the middle of it, and has not said why.
      queueMicrotask(() => {
        if (!closed) log.warn({ broker, reason }, 'lost the message broker; connecting again');
        disconnect();
      });
    });
    link = opened;
    told.clear();
    log.info({ broker }, 'connected to the message broker');
    wake();
  };

  const options = {
    noDelay: true,
    timeout: connectTimeoutMs,
    // Goes to node:net and node:tls, which amqplib's types do not say.
    signal: sockets.signal,
    recovery: { ...recoveryDelays, waitForConnect: false, setup: setUp },
  };
  const opening = connect({ ...address, heartbeat: heartbeatSeconds }, options).then((connection) => {
    connection.on('connect-failed', (error) => {
      const { reason } = amqpFailure(error);
      if (closed || told.has(reason)) return;
      told.add(reason);
      log.warn({ broker, reason }, 'cannot connect to the message broker; trying again and again');
    });
    // What it says comes with the end of the connection, too.
    connection.on('error', () => undefined);
    return connection;
  });

  const close = async (): Promise<void> => {
    wake();
    const connection = await opening;
    await within(
      clock,
      closeMs,
      connection.close().catch(() => undefined),
    );
    sockets.abort();
  };

  return {
    current: async () => {
      const patience = downSince + graceMs - clock.monotonic();
      if (!link && !closed && patience > 0) {
        let arrived = (): void => undefined;
        const wait = new Promise<void>((resolve) => {
          arrived = resolve;
          waiting.add(resolve);
        });
        await within(clock, patience, wait);
        waiting.delete(arrived);
      }
      return link;
    },
    now: () => link,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
