// Publishes single messages to RabbitMQ, and reports what it did with each. Used by rabbitmq.ts.

import { type AmqpConnection, isNack } from '../amqp/connection.ts';
import type { Publication } from '../amqp/developer-channels.ts';
import { newUuid } from '../crypto/random.ts';
import { exchangeName } from '../domain/outgoing/broker-names.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';

/** With so many confirms overdue the broker does not work: it gets a new connection. */
const maxLate = 500;

type PublishOutcome = 'sent' | 'unroutable' | 'refused' | 'unconfirmed';

/** An exchange that may have a queue for an SMS. */
export interface Target {
  readonly exchange: string;
  readonly key: string;
  readonly body: Buffer;
  /** The AMQP property `message_id`, for phones that report on it; a new UUID unless given. */
  readonly messageId?: string | undefined;
  /** The broker drops it after so many milliseconds in a queue. */
  readonly expirationMs?: number | undefined;
}

export interface ConfirmedPublisher {
  /**
   * Publishes to one exchange, and waits for the confirm. Outcomes are those of `Broker.send`. Throws UNAVAILABLE when the message
   * was not written.
   * @param onSettled called when the broker has settled the message, which may be after the outcome is reported
   */
  publish(
    connection: AmqpConnection,
    target: Target,
    timeLeftMs: number,
    onSettled: () => void,
  ): Promise<PublishOutcome>;
  /** The broker returned the message with this correlation id. */
  onReturn(correlationId: unknown): void;
  /** The number of messages that are reported as unconfirmed, and not settled. */
  late(): number;
}

/** `timeoutMs` is quoted in the reason of a new connection. */
export function createConfirmedPublisher({
  timeoutMs,
  clock,
}: {
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'after'>;
}): ConfirmedPublisher {
  /** Correlation ids that wait for their confirm, and whether the broker returned the message. */
  const unconfirmed = new Map<string, { returned: boolean }>();
  /** Messages that are reported as unconfirmed, and not settled. */
  let late = 0;

  const publish: ConfirmedPublisher['publish'] = (connection, target, timeLeftMs, onSettled) => {
    const { key, body, expirationMs } = target;
    const correlationId = newUuid();
    const message = { returned: false };
    const options = {
      mandatory: true,
      persistent: true,
      contentType: 'application/json',
      messageId: target.messageId ?? correlationId,
      correlationId,
      ...(expirationMs !== undefined && { expiration: String(expirationMs) }),
    };
    return new Promise((resolve, reject) => {
      let state: 'unwritten' | 'written' | 'late' | 'abandoned' = 'unwritten';
      const settle = (): void => {
        cancel();
        unconfirmed.delete(correlationId);
        if (state === 'late') late -= 1;
        onSettled();
      };
      const cancel = clock.after(timeLeftMs, () => {
        if (state === 'unwritten') {
          state = 'abandoned';
          settle();
          reject(unavailable('the message broker does not respond'));
          return;
        }
        state = 'late';
        late += 1;
        resolve('unconfirmed');
        if (late >= maxLate) connection.renew(`${late} SMS unconfirmed for over ${timeoutMs} ms`);
      });
      const onConfirm = (error: unknown): void => {
        settle();
        if (isNack(error)) resolve('refused');
        else if (error) resolve('unconfirmed');
        else resolve(message.returned ? 'unroutable' : 'sent');
      };
      unconfirmed.set(correlationId, message);
      const isAbandoned = (): boolean => state === 'abandoned';
      write(connection, target, { key, body, options, onConfirm, isAbandoned }).then(
        (result) => {
          if (result === 'written') state = 'written';
          if (result !== 'refused') return;
          settle();
          resolve('unroutable');
        },
        (cause: unknown) => {
          if (isAbandoned()) return;
          settle();
          // The channel was just lost, and the message never written.
          reject(notConnected(cause));
        },
      );
    });
  };

  return {
    publish,
    onReturn: (correlationId) => {
      const message = unconfirmed.get(String(correlationId));
      if (message) message.returned = true;
    },
    late: () => late,
  };
}

async function write(connection: AmqpConnection, target: Target, publication: Publication) {
  if (target.exchange !== exchangeName) {
    return connection.developerChannels.publish(target.exchange, publication);
  }
  const { key, body, options, onConfirm } = publication;
  connection.channel.publish(exchangeName, key, body, options, onConfirm);
  return 'written';
}

/** UNAVAILABLE: a message was not written. */
export function notConnected(cause?: unknown): SwobError {
  return unavailable('there is no connection to the message broker', { cause });
}

/** UNAVAILABLE, to be repeated after 5 s unless given. */
export function unavailable(
  message: string,
  { retryAfter = 5, cause }: { readonly retryAfter?: number; readonly cause?: unknown } = {},
): SwobError {
  return new SwobError('UNAVAILABLE', message, { retryAfter, cause });
}
