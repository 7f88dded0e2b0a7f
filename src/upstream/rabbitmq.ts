// The message broker between developers and gateway clients: RabbitMQ, with publisher confirms. Used by outgoing SMS.

import { IllegalOperationError } from 'amqplib';
import { newUuid } from '../crypto/random.ts';
import { amqpAddress } from '../domain/amqp.ts';
import type { OutgoingSms } from '../domain/model.ts';
import { exchangeName, routingKey } from '../domain/outgoing-names.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Broker } from '../domain/upstreams.ts';
import { within } from '../domain/within.ts';
import { SwobError } from '../errors.ts';
import { keepLink, type Link } from './rabbitmq-link.ts';
import { createRoom } from './room.ts';

/** SMS that wait for a connection or for their confirm, also those that were told "unconfirmed" already. */
const maxUnderWay = 1_000;
const maxBytesUnderWay = 16 * 1024 * 1024;
/** SMS that may wait for room among those. */
const maxWaiting = 5_000;
/** A broker that owes so many confirms for longer than their time does not work: it gets a new connection. */
const maxLate = 500;
/** Longest wait for confirms when closing. */
const closeMs = 1_000;

export interface BrokerOptions {
  /** `amqp:` or `amqps:`, with credentials. */
  readonly url: string;
  /** Milliseconds for the broker to confirm an SMS. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A broker whose connection can be looked at. */
export interface WatchedBroker extends Broker {
  state(): 'ok' | 'unreachable' | 'blocked';
}

type Outcome = Awaited<ReturnType<Broker['send']>>;

/**
 * A client that connects in the background and again whenever the connection or its channel is lost: it can be
 * made, and used, before there is a broker. Throws CONFIG when the URL is none.
 */
export function createBroker({ url, timeoutMs, clock, log }: BrokerOptions): WatchedBroker {
  /** Message ids that wait for their confirm, and whether the broker has given the message back. */
  const unconfirmed = new Map<string, { returned: boolean }>();
  const sending = new Set<Promise<Outcome>>();
  let late = 0;
  let closed: Promise<void> | undefined;

  const room = createRoom({
    maxThings: maxUnderWay,
    maxBytes: maxBytesUnderWay,
    maxWaiting,
    waitMs: timeoutMs,
    clock,
    full: () => unavailable('too many SMS wait for the message broker to confirm them', 1),
  });
  const links = keepLink({
    address: amqpAddress(url),
    clock,
    log,
    onReturn: (messageId) => {
      const message = unconfirmed.get(String(messageId));
      if (message) message.returned = true;
    },
  });

  const openLink = async (): Promise<Link> => {
    const link = await links.current();
    if (!link) throw notConnected();
    if (link.blocked) {
      throw unavailable('the message broker is short of memory or disk and takes no SMS for now', 30);
    }
    return link;
  };

  /** `confirmed` is called when the broker has settled the message, which may be after the answer. */
  const publish = (link: Link, key: string, body: Buffer, confirmed: () => void): Promise<Outcome> => {
    const messageId = newUuid();
    const message = { returned: false };
    return new Promise((resolve) => {
      let isLate = false;
      const onConfirm = (error: unknown): void => {
        cancel();
        confirmed();
        unconfirmed.delete(messageId);
        if (isLate) late -= 1;
        if (isNack(error)) resolve('refused');
        else if (error) resolve('unconfirmed');
        else resolve(message.returned ? 'unroutable' : 'sent');
      };
      const options = { mandatory: true, persistent: true, contentType: 'application/json', messageId };
      link.channel.publish(exchangeName, key, body, options, onConfirm);
      unconfirmed.set(messageId, message);
      const cancel = clock.after(timeoutMs, () => {
        isLate = true;
        late += 1;
        resolve('unconfirmed');
        if (late >= maxLate) link.renew(`${late} SMS unconfirmed for over ${timeoutMs} ms`);
      });
    });
  };

  const send = async ({ authId, operatorName, number, text }: OutgoingSms): Promise<Outcome> => {
    // Gateway phones of today read exactly these two members.
    const body = Buffer.from(JSON.stringify({ text, number }));
    const release = await room.take(body.length);
    try {
      return await publish(await openLink(), routingKey(authId, operatorName), body, release);
    } catch (error) {
      release();
      // The channel was lost a moment ago, and the message never written.
      throw error instanceof IllegalOperationError ? notConnected() : error;
    }
  };

  return {
    send: async (sms) => {
      if (closed) throw unavailable('swob is stopping');
      const sent = send(sms);
      sending.add(sent);
      return sent.finally(() => sending.delete(sent));
    },
    state: () => {
      const link = links.now();
      return link ? (link.blocked ? 'blocked' : 'ok') : 'unreachable';
    },
    close: () => {
      closed ??= within(clock, closeMs, Promise.allSettled(sending)).then(() => links.close());
      return closed;
    },
  };
}

/** Not the end of the channel, which amqplib tells in the same way. */
function isNack(error: unknown): boolean {
  return error instanceof Error && error.message === 'message nacked';
}

function notConnected(): SwobError {
  return unavailable('there is no connection to the message broker');
}

function unavailable(message: string, retryAfter = 5): SwobError {
  return new SwobError('UNAVAILABLE', message, { retryAfter });
}
