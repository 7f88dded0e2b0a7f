// Receives outgoing SMS as a gateway phone does: its own queue on the broker, one message at a time. The only file
// of the command line that uses amqplib. Used by `swob sms consume`.

import { type Channel, type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { type AmqpAddress, amqpFailure, brokerName } from '../domain/amqp.ts';
import { exchangeName, queueName, routingKey } from '../domain/outgoing-names.ts';
import type { Clock } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';
import { wait } from './wait.ts';

const connectTimeoutMs = 10_000;
const heartbeatSeconds = 30;
const recoveryDelays = { initialDelay: 100, maxDelay: 5_000, factor: 2 };
/** Time for the broker to take the last acknowledgement and say goodbye. */
const closeMs = 1_000;

export interface GatewayPhoneOptions {
  /** With the developer's own credentials: the auth id and its key. */
  readonly address: AmqpAddress;
  readonly operatorName: string;
  readonly clock: Clock;
  /** Ends it when it aborts. */
  readonly signal: AbortSignal;
  /** It consumes this queue now, or again. */
  onReady(queue: string): void;
  /** The broker went away; it is called until it answers. */
  onLost(reason: string): void;
  /**
   * Called for one message at a time. `take`: it is done with, forget it; `refuse`: nobody can use it, drop it;
   * `last`: as `take`, and then the end. When it rejects, the message stays for another phone, and that is the end.
   */
  onMessage(content: Buffer): Promise<'take' | 'refuse' | 'last'>;
}

/**
 * Consumes until `onMessage` says so. Throws UNREACHABLE when there is no broker to begin with, UNAUTHENTICATED and
 * FORBIDDEN when it refuses the developer, UPSTREAM when it refuses the queue; what `onMessage` rejects with; the
 * signal's reason.
 */
export async function receiveSms(options: GatewayPhoneOptions): Promise<void> {
  const { address, operatorName, clock, signal, onReady, onLost, onMessage } = options;
  const queue = queueName(address.username, operatorName);
  const sockets = new AbortController();
  let channel: Channel | undefined;
  let stopping = false;
  let finish = (): void => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });

  const handle = async (from: Channel, message: ConsumeMessage): Promise<void> => {
    // It is delivered ahead of the goodbye, and goes back to the queue with it.
    if (stopping) return;
    try {
      const verdict = await onMessage(message.content);
      if (verdict === 'last') stopping = true;
      // On a channel that was lost meanwhile nothing can be said: the message comes again on another one.
      if (channel === from) {
        if (verdict === 'refuse') from.reject(message, false);
        else from.ack(message);
      }
      if (verdict === 'last') finish();
    } catch (error) {
      fail(error);
    }
  };

  const setUp = async (model: ChannelModel): Promise<void> => {
    const disconnect = (): void => void model.close().catch(() => undefined);
    // The end of the connection follows it, and recovery sees to that.
    model.on('error', () => undefined);
    const opened = await model.createChannel();
    opened.on('error', () => undefined);
    await opened.prefetch(1);
    await opened.assertQueue(queue, { durable: true });
    await opened.bindQueue(queue, exchangeName, routingKey(address.username, operatorName));
    // Recovery makes a connection anew, not a channel alone; nor does it notice that a queue was deleted.
    opened.once('close', () => {
      channel = undefined;
      queueMicrotask(() => {
        if (!stopping) disconnect();
      });
    });
    channel = opened;
    await opened.consume(queue, (message) => {
      if (message === null) disconnect();
      else void handle(opened, message);
    });
    onReady(queue);
  };

  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  const socketOptions = {
    noDelay: true,
    timeout: connectTimeoutMs,
    // Goes to node:net and node:tls, which amqplib's types do not say.
    signal: sockets.signal,
    recovery: { ...recoveryDelays, initialMaxRetries: 0, waitForConnect: false, setup: setUp },
  };
  const connection = await connect({ ...address, heartbeat: heartbeatSeconds }, socketOptions);
  connection.on('error', () => undefined);
  connection.on('disconnect', (error) => onLost(amqpFailure(error).reason));
  connection.on('connect-failed', (error) => {
    // Unsubscribed, or a new key: no other attempt would fare better.
    if (amqpFailure(error).kind !== 'other') fail(refusal(error, address));
  });
  // Only the first connection is given up.
  connection.on('reconnect-failed', (error) => fail(refusal(error, address)));
  try {
    await Promise.race([aborted, ended]);
  } finally {
    stopping = true;
    const briefly = (goodbye: Promise<void>): Promise<void> =>
      Promise.race([goodbye.catch(() => undefined), wait(clock, closeMs, sockets.signal)]);
    // First the channel: the connection's own goodbye may overtake the last acknowledgement.
    if (channel) await briefly(channel.close());
    await briefly(connection.close());
    sockets.abort();
  }
}

function refusal(error: unknown, address: AmqpAddress): SwobError {
  const { kind, reason } = amqpFailure(error);
  const name = `the broker at ${brokerName(address)}`;
  const { username: authId } = address;
  if (kind === 'credentials') {
    return new SwobError(
      'UNAUTHENTICATED',
      `${name} knows no auth id ${authId} with this key; has it subscribed?`,
    );
  }
  if (kind === 'forbidden') {
    return new SwobError('FORBIDDEN', `${name} gives ${authId} no right to this queue or vhost (${reason})`);
  }
  if (/^\d/.test(reason)) return new SwobError('UPSTREAM', `${name} refuses the queue (${reason})`);
  return new SwobError('UNREACHABLE', `no answer from ${name} (${reason}); start one, or name it with --url`);
}
