// Receives outgoing SMS as a gateway phone does: from its own queue, one message at a time. Used by `swob sms consume` and the stub
// phone.

import { type Channel, type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import type { PhoneBinding } from '../domain/outgoing/broker-names.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { withTimeout } from '../domain/shared/with-timeout.ts';
import { SwobError } from '../errors.ts';
import { type AmqpAddress, amqpFailure, brokerName } from './address.ts';
import { createConnectSignal } from './connect-signal.ts';

const connectTimeoutMs = 10_000;
const heartbeatSeconds = 30;
const recoveryDelays = { initialDelay: 100, maxDelay: 5_000, factor: 2 };
/** How long the broker may take to accept the last acknowledgement and close. */
const closeMs = 1_000;
/** Before a message is rejected with requeueing: the broker delivers it again immediately. */
const requeuePauseMs = 1_000;

/**
 * What becomes of a message; `ack-and-stop` acknowledges it and ends, `disconnect` leaves it unacknowledged and loses the
 * connection, so that the broker delivers it again.
 */
export type Verdict = 'ack' | 'ack-and-stop' | 'reject' | 'requeue' | 'disconnect';

export interface DeliveredMessage {
  readonly content: Buffer;
  /** The property `message_id`. */
  readonly messageId: string | undefined;
  /** Whether the broker has delivered it before. */
  readonly redelivered: boolean;
}

export interface SmsConsumerOptions {
  /** With the developer's credentials: the auth id and its key. */
  readonly address: AmqpAddress;
  readonly binding: PhoneBinding;
  /** Messages that the broker delivers before the first of them is settled; 1 by default. */
  readonly prefetch?: number;
  readonly clock: Pick<Clock, 'after'>;
  /** Stops consuming when aborted. */
  readonly signal: AbortSignal;
  /** Consumes this queue, at first or again. */
  onReady(queue: string): void;
  /** The connection to the broker is lost; reconnecting. */
  onLost(reason: string): void;
  /**
   * Called for up to `prefetch` messages at a time. When it throws, the message stays in the queue for another phone, and
   * consuming stops.
   */
  onMessage(message: DeliveredMessage): Promise<Verdict>;
}

/**
 * Consumes until `onMessage` resolves to `ack-and-stop`. Throws UNREACHABLE when the first connection fails,
 * UNAUTHENTICATED or FORBIDDEN when the broker rejects the developer, UPSTREAM when it rejects the queue; rethrows the
 * error of `onMessage` and the reason of the signal.
 */
export async function consumeSms(options: SmsConsumerOptions): Promise<void> {
  const { address, binding, prefetch = 1, clock, signal, onReady, onLost, onMessage } = options;
  const { queue, exchange } = binding;
  const connecting = createConnectSignal();
  let channel: Channel | undefined;
  let stopping = false;
  let finish = (): void => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });

  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  const stopped = Promise.race([aborted, ended]).catch(() => undefined);

  const handle = async (from: Channel, message: ConsumeMessage, disconnect: () => void): Promise<void> => {
    // Prefetched before the channel closes: it returns to the queue.
    if (stopping) return;
    try {
      const { content, properties, fields } = message;
      const messageId: unknown = properties.messageId;
      const verdict = await onMessage({
        content,
        messageId: typeof messageId === 'string' ? messageId : undefined,
        redelivered: fields.redelivered,
      });
      if (verdict === 'disconnect') return disconnect();
      if (verdict === 'ack-and-stop') stopping = true;
      if (verdict === 'requeue') await withTimeout(clock, requeuePauseMs, stopped);
      // A lost channel accepts no acknowledgement: the broker delivers the message again on another one.
      if (channel === from) {
        if (verdict === 'reject' || verdict === 'requeue') from.reject(message, verdict === 'requeue');
        else from.ack(message);
      }
      if (verdict === 'ack-and-stop') finish();
    } catch (error) {
      fail(error);
    }
  };

  const setUp = async (model: ChannelModel): Promise<void> => {
    const disconnect = (): void => {
      // What else was delivered on it cannot be acknowledged while it closes.
      if (channel === opened) channel = undefined;
      void model.close().catch(() => undefined);
    };
    // The connection closes after it, and recovery handles that.
    model.on('error', () => undefined);
    const opened = await model.createChannel();
    opened.on('error', () => undefined);
    await opened.prefetch(prefetch);
    if (binding.declaresExchange) await opened.assertExchange(exchange, 'topic', { durable: true });
    await opened.assertQueue(queue, { durable: true });
    await opened.bindQueue(queue, exchange, binding.key);
    // Recovery replaces a connection, not a channel alone, and does not notice that a queue was deleted.
    opened.once('close', () => {
      channel = undefined;
      queueMicrotask(() => {
        if (!stopping) disconnect();
      });
    });
    channel = opened;
    await opened.consume(queue, (message) => {
      if (message === null) disconnect();
      else void handle(opened, message, disconnect);
    });
    onReady(queue);
  };

  const socketOptions = {
    noDelay: true,
    timeout: connectTimeoutMs,
    // Passed on to node:net and node:tls, which amqplib's types omit.
    signal: connecting.signal,
    recovery: { ...recoveryDelays, initialMaxRetries: 0, waitForConnect: false, setup: setUp },
  };
  const connection = await connect({ ...address, heartbeat: heartbeatSeconds }, socketOptions);
  connection.on('error', () => undefined);
  connection.on('disconnect', (error) => {
    connecting.reset();
    onLost(amqpFailure(error).reason);
  });
  connection.on('connect-failed', (error) => {
    connecting.reset();
    // Unsubscribed, or the key has changed: a retry would fail as well.
    if (amqpFailure(error).kind !== 'other') fail(brokerError(error, address));
  });
  // Only the first connection is not retried.
  connection.on('reconnect-failed', (error) => fail(brokerError(error, address)));
  try {
    await Promise.race([aborted, ended]);
  } finally {
    stopping = true;
    const bounded = (closing: Promise<void>): Promise<void> =>
      withTimeout(
        clock,
        closeMs,
        closing.catch(() => undefined),
      );
    // The channel first: closing the connection may overtake the last acknowledgement.
    if (channel) await bounded(channel.close());
    await bounded(connection.close());
    connecting.abort();
  }
}

function brokerError(error: unknown, address: AmqpAddress): SwobError {
  const { kind, reason } = amqpFailure(error);
  const name = `the broker at ${brokerName(address)}`;
  const { username: authId } = address;
  if (kind === 'credentials') {
    return new SwobError(
      'UNAUTHENTICATED',
      `${name} rejects auth id ${authId} with this key; check both, and that the developer has subscribed`,
    );
  }
  if (kind === 'forbidden') {
    return new SwobError('FORBIDDEN', `${name} denies ${authId} access to this queue or vhost (${reason})`);
  }
  if (/^\d/.test(reason)) return new SwobError('UPSTREAM', `${name} rejects the queue (${reason})`);
  return new SwobError(
    'UNREACHABLE',
    `cannot connect to ${name} (${reason}); start it, or name another one with --url`,
  );
}
