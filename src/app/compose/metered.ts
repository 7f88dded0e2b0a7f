// Decorators that count, around ports and use cases: neither knows of metrics. Used by instruments.ts.

import { asSoonAs } from '../../domain/as-soon-as.ts';
import type { Disconnects } from '../../domain/disconnects.ts';
import type { Pairing } from '../../domain/pairing.ts';
import type { LimitStore, Store } from '../../domain/ports.ts';
import type { Publishing } from '../../domain/publishing.ts';
import type { Broker, CallbackSender } from '../../domain/upstreams.ts';
import { type ErrorCode, SwobError } from '../../errors.ts';
import type { MetricsRegistry } from '../../metrics/registry.ts';

/** Names of limits: a key of a LimitStore begins with one of them, and never says more in a metric. */
const limitNames = [
  'ping:address',
  'ping:imsi',
  'session:address',
  'session:user',
  'socket:address',
  'guess:address',
  'password:address',
  'password:user',
  'password:session',
  'sms:address',
  'sms:sender',
  'outgoing:address',
  'outgoing:developer',
  'developer:address',
  'developer:id',
  'setup:address',
  'disconnect:address',
  'other',
] as const;
const isLimitName = (text: string): text is (typeof limitNames)[number] =>
  limitNames.some((name) => name === text);

/** Counts what came of `work`, by its result or by the code of its error. */
async function counted<T>(
  work: Promise<T>,
  done: (result: T) => void,
  failed: (code: ErrorCode) => void,
): Promise<T> {
  try {
    const result = await work;
    done(result);
    return result;
  } catch (error) {
    failed(error instanceof SwobError ? error.code : 'INTERNAL');
    throw error;
  }
}

export function meteredStore(registry: MetricsRegistry, store: Store): Store {
  registry.gauge(
    'swob_outbox_parcels',
    'Messages and callbacks that wait for another attempt, or were given up.',
    ['kind', 'state'],
    async () => {
      const kinds = { message: store.inbound, callback: store.callbacks };
      const counts = await Promise.all(
        Object.entries(kinds).map(async ([kind, outbox]) => ({ kind, ...(await outbox.count()) })),
      );
      return counts.flatMap(({ kind, waiting, failed }) => [
        [[kind, 'waiting'], waiting] as const,
        [[kind, 'failed'], failed] as const,
      ]);
    },
  );
  const givenUp = registry.counter(
    'swob_outbox_given_up_total',
    'Messages that were given up; see `swob sms failed`.',
    'kind',
    ['message'],
  );
  return {
    ...store,
    limits: meteredLimits(registry, store.limits),
    inbound: {
      ...store.inbound,
      put: async (parcel) => {
        await store.inbound.put(parcel);
        if (parcel.dueAt === null) givenUp('message');
      },
      settle: async (id, next) => {
        const settled = await store.inbound.settle(id, next);
        if (settled && next?.dueAt === null) givenUp('message');
        return settled;
      },
    },
  };
}

function meteredLimits(registry: MetricsRegistry, limits: LimitStore): LimitStore {
  const refused = registry.counter(
    'swob_limit_refusals_total',
    'Events that a limit of [limits] refused, by what it counts.',
    'limit',
    limitNames,
  );
  const note = (key: string, seconds: number): number => {
    if (seconds > 0) {
      const name = key.split(':', 2).join(':');
      refused(isLimitName(name) ? name : 'other');
    }
    return seconds;
  };
  return {
    ...limits,
    take: (key, limit) => {
      const taken = limits.take(key, limit);
      return asSoonAs(taken, (seconds) => note(key, seconds));
    },
    peek: async (key, limit) => note(key, await limits.peek(key, limit)),
  };
}

export function meteredPairing(registry: MetricsRegistry, pairing: Pairing): Pairing {
  const outcomes = [
    'opened',
    'handshake',
    'paired',
    'replaced',
    'wrong_password',
    'limited',
    'invalid',
    'conflict',
    'failed',
  ] as const;
  const count = registry.counter('swob_pairings_total', 'Steps of pairing by outcome.', 'outcome', outcomes);
  const codes: Partial<Record<ErrorCode, (typeof outcomes)[number]>> = {
    UNAUTHENTICATED: 'wrong_password',
    LIMITED: 'limited',
    BAD_INPUT: 'invalid',
    NOT_FOUND: 'invalid',
    CONFLICT: 'conflict',
  };
  const step = <T>(work: Promise<T>, done: (typeof outcomes)[number]): Promise<T> =>
    counted(
      work,
      () => count(done),
      (code) => count(codes[code] ?? 'failed'),
    );
  return {
    ...pairing,
    open: (...args) => step(pairing.open(...args), 'opened'),
    handshake: (...args) => step(pairing.handshake(...args), 'handshake'),
    authenticate: (...args) => step(pairing.authenticate(...args), 'paired'),
    replace: (...args) => step(pairing.replace(...args), 'replaced'),
  };
}

export function meteredPublishing(registry: MetricsRegistry, publishing: Publishing): Publishing {
  const outcomes = ['published', 'accepted', 'refused', 'limited', 'failed'] as const;
  const count = registry.counter(
    'swob_publish_total',
    'Inbound SMS by what their sender was answered.',
    'outcome',
    outcomes,
  );
  return {
    ...publishing,
    receive: (...args) =>
      counted(
        publishing.receive(...args),
        ({ answer }) => count(answer),
        (code) => count(code === 'LIMITED' ? 'limited' : 'failed'),
      ),
  };
}

export function meteredBroker(registry: MetricsRegistry, broker: Broker): Broker {
  const outcomes = ['sent', 'unroutable', 'refused', 'unconfirmed', 'failed'] as const;
  const count = registry.counter(
    'swob_outgoing_sms_total',
    'Outgoing SMS by what the broker did with them.',
    'outcome',
    outcomes,
  );
  return {
    ...broker,
    send: (sms) => counted(broker.send(sms), count, () => count('failed')),
  };
}

export function meteredCallbacks(registry: MetricsRegistry, sender: CallbackSender): CallbackSender {
  const count = registry.counter(
    'swob_callback_attempts_total',
    'Attempts to tell a developer a result.',
    'outcome',
    ['done', 'refused', 'failed'],
  );
  return {
    ...sender,
    send: (...args) =>
      counted(
        sender.send(...args),
        () => count('done'),
        (code) => count(code === 'REFUSED' ? 'refused' : 'failed'),
      ),
  };
}

export function meteredDisconnects(registry: MetricsRegistry, disconnects: Disconnects): Disconnects {
  const outcomes = [
    'done',
    'token_refused',
    'limited',
    'pcrf_failed',
    'pcrf_timeout',
    'busy',
    'failed',
  ] as const;
  const count = registry.counter(
    'swob_disconnects_total',
    'Requests to log a Wi-Fi user out, by outcome.',
    'outcome',
    outcomes,
  );
  const codes: Partial<Record<ErrorCode, (typeof outcomes)[number]>> = {
    UNAUTHENTICATED: 'token_refused',
    BAD_INPUT: 'token_refused',
    LIMITED: 'limited',
    UPSTREAM: 'pcrf_failed',
    TIMEOUT: 'pcrf_timeout',
    UNAVAILABLE: 'busy',
  };
  return {
    ...disconnects,
    disconnect: (...args) =>
      counted(
        disconnects.disconnect(...args),
        () => count('done'),
        (code) => count(codes[code] ?? 'failed'),
      ),
  };
}
