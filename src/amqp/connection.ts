// The connection to RabbitMQ with its channels, which reconnects by itself. Used by upstream/rabbitmq.ts.

import { type ChannelModel, type ConfirmChannel, connect, type Message } from 'amqplib';
import { exchangeName } from '../domain/outgoing/broker-names.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { withTimeout } from '../domain/shared/with-timeout.ts';
import { type AmqpAddress, amqpFailure, brokerName } from './address.ts';
import { createConnectSignal } from './connect-signal.ts';
import { createDeveloperChannels, type DeveloperChannels } from './developer-channels.ts';

const connectTimeoutMs = 10_000;
/** A broker that misses two is lost: this limits the waits that amqplib itself leaves unlimited. */
const heartbeatSeconds = 30;
const recoveryDelays = { initialDelay: 100, maxDelay: 5_000, factor: 2 };
/** An outage that lasts longer fails calls immediately instead of having them wait for a connection. */
const graceMs = 2_000;
/** How long the broker may take to close. */
const closeMs = 1_000;

/** An open connection. */
export interface AmqpConnection {
  /** For `DEKU_CLUSTER_SMS`, which is declared. The connection is replaced when this channel closes. */
  readonly channel: ConfirmChannel;
  readonly developerChannels: DeveloperChannels;
  /** The broker is short of memory or disk and accepts nothing. */
  readonly blocked: boolean;
  /** Replaces it by a new one; its unconfirmed messages stay unconfirmed. */
  renew(reason: string): void;
}

export interface ReconnectingConnection {
  /** The open connection. Waits for one until an outage has lasted 2 s; undefined when there is none by then. */
  current(): Promise<AmqpConnection | undefined>;
  /** The open connection, without waiting. */
  now(): AmqpConnection | undefined;
  /** Idempotent; takes a second at most. */
  close(): Promise<void>;
}

export interface ReconnectingOptions {
  readonly address: AmqpAddress;
  readonly clock: Clock;
  readonly log: Log;
  /** The broker returned a message because it is bound to no queue. */
  onReturn(correlationId: unknown): void;
}

/** Starts to connect, and retries until it is closed. */
export function createReconnectingConnection({
  address,
  clock,
  log,
  onReturn,
}: ReconnectingOptions): ReconnectingConnection {
  const broker = brokerName(address);
  const connecting = createConnectSignal();
  const waiting = new Set<() => void>();
  /** Each reason for an outage is logged once, however many attempts fail. */
  const logged = new Set<string>();
  let open: AmqpConnection | undefined;
  let downSince = clock.monotonic();
  let closed: Promise<void> | undefined;

  const notifyWaiting = (): void => {
    for (const resolve of waiting) resolve();
  };

  const setUp = async (model: ChannelModel): Promise<void> => {
    let reason = 'the connection was closed';
    let blocked = false;
    const noteReason = (error?: Error): void => {
      if (error) reason = amqpFailure(error).reason;
    };
    model.on('error', noteReason).on('close', noteReason);
    model.on('blocked', () => {
      blocked = true;
      log.warn({ broker }, 'the message broker is short of memory or disk and accepts no SMS');
    });
    model.on('unblocked', () => {
      blocked = false;
      log.info({ broker }, 'the message broker accepts SMS again');
    });
    const channel = await model.createConfirmChannel();
    const onReturned = ({ properties }: Message): void => onReturn(properties.correlationId);
    channel.on('error', noteReason).on('return', onReturned);
    await channel.assertExchange(exchangeName, 'topic', { durable: true });

    const drop = (): void => {
      if (open !== opened) return;
      open = undefined;
      downSince = clock.monotonic();
    };
    // Recovery replaces a connection with its channel, not a channel alone.
    const disconnect = (): void => void model.close().catch(() => undefined);
    const opened: AmqpConnection = {
      channel,
      developerChannels: createDeveloperChannels({ model, clock, log, onReturn: onReturned }),
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
      // Later: when the whole connection closes, amqplib reports the reason after this event.
      queueMicrotask(() => {
        if (!closed) log.warn({ broker, reason }, 'lost the message broker; reconnecting');
        disconnect();
      });
    });
    open = opened;
    logged.clear();
    log.info({ broker }, 'connected to the message broker');
    notifyWaiting();
  };

  const options = {
    noDelay: true,
    timeout: connectTimeoutMs,
    // Passed on to node:net and node:tls, which amqplib's types omit.
    signal: connecting.signal,
    recovery: { ...recoveryDelays, waitForConnect: false, setup: setUp },
  };
  const opening = connect({ ...address, heartbeat: heartbeatSeconds }, options).then((connection) => {
    connection.on('disconnect', connecting.reset);
    connection.on('connect-failed', (error) => {
      connecting.reset();
      const { reason } = amqpFailure(error);
      if (closed || logged.has(reason)) return;
      logged.add(reason);
      log.warn({ broker, reason }, 'cannot connect to the message broker; retrying');
    });
    // The close of the connection carries the same error.
    connection.on('error', () => undefined);
    return connection;
  });

  const close = async (): Promise<void> => {
    notifyWaiting();
    const connection = await opening;
    await withTimeout(
      clock,
      closeMs,
      connection.close().catch(() => undefined),
    );
    connecting.abort();
  };

  return {
    current: async () => {
      const remainingMs = downSince + graceMs - clock.monotonic();
      if (!open && !closed && remainingMs > 0) {
        let onConnected = (): void => undefined;
        const wait = new Promise<void>((resolve) => {
          onConnected = resolve;
          waiting.add(resolve);
        });
        await withTimeout(clock, remainingMs, wait);
        waiting.delete(onConnected);
      }
      return open;
    },
    now: () => open,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Whether the broker refused the message; amqplib reports the end of the channel to the same callback. */
export function isNack(error: unknown): boolean {
  return error instanceof Error && error.message === 'message nacked';
}
