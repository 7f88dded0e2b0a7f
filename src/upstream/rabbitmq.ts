// The message broker between developers and gateway clients: RabbitMQ, with publisher confirms. Used by outgoing SMS.

import { amqpAddress } from '../amqp/address.ts';
import { type AmqpConnection, createReconnectingConnection } from '../amqp/connection.ts';
import { randomNumber } from '../crypto/random.ts';
import {
  developerExchangeName,
  exchangeName,
  networkRoutingKey,
  operatorFault,
  routingKey,
} from '../domain/outgoing/broker-names.ts';
import { clusterBody, dekuBody, maxInt, maxMessageId } from '../domain/outgoing/message-bodies.ts';
import type { OutgoingSms } from '../domain/outgoing/model.ts';
import type { Broker, SendResult } from '../domain/outgoing/ports.ts';
import type { RoutesHealth } from '../domain/outgoing/routes-health.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { type Deadline, noTimeLeft } from '../lib/deadline.ts';
import { createSemaphore } from '../lib/semaphore.ts';
import { createConfirmedPublisher, notConnected, type Target, unavailable } from './confirmed-publisher.ts';

/** SMS that wait for a connection or a confirm, including those already reported as unconfirmed. */
const maxInFlight = 1_000;
const maxBytesInFlight = 16 * 1024 * 1024;
/** RabbitMQ closes the channel for a greater one. */
const maxExpirationMs = 2 ** 32 - 1;
/** SMS that may wait for the semaphore. */
const maxWaiting = 5_000;
/** For the connection to be closed, when confirms have taken all other time. */
const disconnectMs = 250;

export interface BrokerOptions {
  /** `amqp:` or `amqps:`, with credentials. */
  readonly url: string;
  /** Milliseconds for the broker to confirm an SMS. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly routes: Pick<RoutesHealth, 'order' | 'taken'>;
}

/** A broker that reports the state of its connection. */
export interface WatchedBroker extends Broker {
  /** `slow`: it is connected, and has not settled an SMS in time. */
  state(): 'ok' | 'unreachable' | 'blocked' | 'slow';
}

/**
 * A client that connects in the background and again whenever the connection or its channel is lost: it can be
 * created, and used, before the broker runs. Throws CONFIG for an invalid URL.
 */
export function createBroker({ url, timeoutMs, clock, log, routes }: BrokerOptions): WatchedBroker {
  const { publish, onReturn, late } = createConfirmedPublisher({ timeoutMs, clock });
  const sending = new Set<Promise<SendResult>>();
  let closed: Promise<number> | undefined;

  const semaphore = createSemaphore({
    maxHolders: maxInFlight,
    maxBytes: maxBytesInFlight,
    maxWaiting,
    waitTimeoutMs: timeoutMs,
    clock,
    fullError: () =>
      unavailable('too many SMS wait for the message broker to confirm them', { retryAfter: 1 }),
  });
  const connections = createReconnectingConnection({
    address: amqpAddress(url),
    clock,
    log,
    onReturn,
  });

  /** Unique to each SMS of this process that no phone reports on; another process starts elsewhere. */
  const newOwnId = (): number => {
    nextOwnId = nextOwnId === maxInt ? maxMessageId + 1 : nextOwnId + 1;
    return nextOwnId;
  };
  let nextOwnId = maxMessageId + randomNumber(maxInt - maxMessageId);

  const openConnection = async (): Promise<AmqpConnection> => {
    const connection = await connections.current();
    if (!connection) throw notConnected();
    if (connection.blocked) {
      throw unavailable('the message broker is short of memory or disk and takes no SMS for now', {
        retryAfter: 30,
      });
    }
    return connection;
  };

  const send = async (sms: OutgoingSms): Promise<SendResult> => {
    const deku = dekuBody(sms, sms.messageId === undefined ? newOwnId() : Number(sms.messageId));
    // The body for the other exchange is shorter.
    const release = await semaphore.acquire(deku.length);
    let holders = 1;
    const drop = (): void => {
      holders -= 1;
      if (holders === 0) release();
    };
    let deadline: number | undefined;
    try {
      for (const target of inOrder(targetsOf(sms, deku), routes)) {
        const connection = await openConnection();
        const validMs = sms.validUntil === undefined ? undefined : sms.validUntil - clock.now();
        // With an expiration of 0 RabbitMQ still gives it to a phone that waits.
        if (validMs !== undefined && validMs <= 0) return { kind: 'expired' };
        const expirationMs = validMs && Math.min(validMs, maxExpirationMs);
        deadline ??= clock.monotonic() + timeoutMs;
        const timeLeftMs = deadline - clock.monotonic();
        if (timeLeftMs <= 0) throw unavailable('the message broker does not respond in time');
        holders += 1;
        const outcome = await publish(
          connection,
          { ...target, messageId: sms.messageId, expirationMs },
          timeLeftMs,
          drop,
        );
        // Only a returned message is tried elsewhere: no SMS may reach two phones.
        if (outcome === 'unroutable') continue;
        if (outcome !== 'sent') return { kind: outcome };
        if (sms.messageId !== undefined) routes.taken(target.key);
        return { kind: 'sent', route: target.key };
      }
      return { kind: 'unroutable' };
    } finally {
      drop();
    }
  };

  const close = async (deadline: Deadline): Promise<number> => {
    const isConfirmed = await deadline.reserve(disconnectMs).settles(Promise.allSettled(sending));
    const interrupted = isConfirmed ? 0 : sending.size;
    await deadline.settles(connections.close());
    return interrupted;
  };

  return {
    send: async (sms) => {
      if (closed) throw unavailable('swob is stopping');
      const sent = send(sms);
      sending.add(sent);
      return sent.finally(() => sending.delete(sent));
    },
    state: () => {
      const connection = connections.now();
      if (!connection) return 'unreachable';
      if (connection.blocked) return 'blocked';
      return late() > 0 ? 'slow' : 'ok';
    },
    close: (deadline = noTimeLeft) => (closed ??= close(deadline)),
  };
}

/** One for each network, and the exchange of phones that listen by operator name. */
function targetsOf(
  sms: OutgoingSms,
  deku: Buffer,
): { readonly networks: Target[]; readonly others: Target[] } {
  const { authId, callingCode, networkCodes, operatorName } = sms;
  const exchange = developerExchangeName(authId);
  const codes = networkCodes.length > 0 ? networkCodes : [null];
  const networks = codes.map((code) => ({
    exchange,
    key: networkRoutingKey(authId, callingCode, code),
    body: deku,
  }));
  if (operatorFault(authId, operatorName) !== undefined) return { networks, others: [] };
  const byName = { exchange: exchangeName, key: routingKey(authId, operatorName), body: clusterBody(sms) };
  return { networks, others: [byName] };
}

function inOrder(
  { networks, others }: ReturnType<typeof targetsOf>,
  routes: BrokerOptions['routes'],
): readonly Target[] {
  const targets = [...networks, ...others];
  const keysOf = (some: readonly Target[]): string[] => some.map(({ key }) => key);
  return routes
    .order(keysOf(networks), keysOf(others))
    .flatMap((key) => targets.find((target) => target.key === key) ?? []);
}
