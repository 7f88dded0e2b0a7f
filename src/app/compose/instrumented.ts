// Decorators that count what ports and use cases do, so that these need no metrics. Used by app-metrics.ts.

import type { Publishing } from '../../domain/inbound/publishing.ts';
import type { Broker, CallbackSender } from '../../domain/outgoing/ports.ts';
import type { Pairing } from '../../domain/pairing/pairing.ts';
import type { Pairings } from '../../domain/pairing/revocation.ts';
import type { PairingSteps } from '../../domain/pairing/steps.ts';
import { type LeasedWork, leasedWork } from '../../domain/shared/coalesce.ts';
import { isRefusing, type LimitKey, limitNameOf } from '../../domain/shared/limit-keys.ts';
import type { LeaseStore, LimitStore } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import { type ErrorCode, SwobError } from '../../errors.ts';
import { mapMaybe } from '../../lib/maybe-promise.ts';
import type { LabelOf, MetricsRegistry } from '../../metrics/registry.ts';

/** Counts the outcome of a promise, by its result or by the code of its error. */
export async function countOutcome<T>(
  promise: Promise<T>,
  onResult: (result: T) => void,
  onFailure: (code: ErrorCode) => void,
): Promise<T> {
  try {
    const result = await promise;
    onResult(result);
    return result;
  } catch (error) {
    onFailure(error instanceof SwobError ? error.code : 'INTERNAL');
    throw error;
  }
}

export function instrumentStore(registry: MetricsRegistry, store: Store): Store {
  registry.gauge('swob_outbox_entries', async () => {
    const kinds = [
      ['message', store.inbound],
      ['callback', store.callbacks],
    ] as const;
    const samples = await Promise.all(
      kinds.map(async ([kind, outbox]) => {
        const { waiting, deadLetters } = await outbox.count();
        return [
          [{ kind, state: 'waiting' }, waiting] as const,
          [{ kind, state: 'dead_lettered' }, deadLetters] as const,
        ];
      }),
    );
    return samples.flat();
  });
  registry.gauge('swob_outgoing_waiting', async () => [[{}, (await store.waitingSms.count()).waiting]]);
  registry.gauge('swob_seeds_registered', async () => [[{}, (await store.seeds.usage()).registered]]);
  registry.observableCounter('swob_seeds_evicted_total', async () => [
    [{}, (await store.seeds.usage()).evicted],
  ]);
  // Also without a shared store, so that the metric always exists.
  const countLostLease = registry.counter('swob_leases_lost_total');
  const countIfRefused = countRefusals(registry);
  return {
    ...store,
    limits: instrumentLimits(countIfRefused, store.limits),
    pairingSteps: store.pairingSteps && instrumentPairingSteps(countIfRefused, store.pairingSteps),
    shared: store.shared && {
      ...store.shared,
      leases: instrumentLeases({ countLostLease, countIfRefused }, store.shared.leases),
    },
  };
}

type CountIfRefused = (key: LimitKey, seconds: number) => number;

/** Counts what a limit refuses, and returns the seconds to wait. */
function countRefusals(registry: MetricsRegistry): CountIfRefused {
  const countRefusal = registry.counter('swob_limit_refusals_total');
  return (key, seconds) => {
    if (seconds === 0) return seconds;
    const name = limitNameOf(key);
    if (isRefusing(name)) countRefusal(name);
    return seconds;
  };
}

/** Each step refuses by limits that its process does not see otherwise. */
function instrumentPairingSteps(countIfRefused: CountIfRefused, steps: PairingSteps): PairingSteps {
  return {
    ...steps,
    open: async (...args) => {
      const exceeded = await steps.open(...args);
      if (exceeded) countIfRefused(exceeded.key, exceeded.seconds);
      return exceeded;
    },
    beginPassword: async (...args) => {
      const begun = await steps.beginPassword(...args);
      if (begun.kind === 'limited' && begun.key) countIfRefused(begun.key, begun.seconds);
      return begun;
    },
  };
}

function instrumentLeases(
  {
    countLostLease,
    countIfRefused,
  }: { countLostLease: (work: LeasedWork) => void; countIfRefused: CountIfRefused },
  leases: LeaseStore,
): LeaseStore {
  const { acquireCounted } = leases;
  return {
    ...leases,
    ...(acquireCounted && {
      acquireCounted: async (...args) => {
        const granted = await acquireCounted(...args);
        if ('seconds' in granted) countIfRefused(granted.key, granted.seconds);
        return granted;
      },
    }),
    complete: async (key, ...rest) => {
      const wasHeld = await leases.complete(key, ...rest);
      const work = leasedWork.find((each) => key.startsWith(`${each}:`));
      if (!wasHeld && work) countLostLease(work);
      return wasHeld;
    },
  };
}

function instrumentLimits(countIfRefused: CountIfRefused, limits: LimitStore): LimitStore {
  const countExceeded =
    (consumeAll: NonNullable<LimitStore['consumeAll']>): typeof consumeAll =>
    async (counts, events) => {
      const exceeded = await consumeAll(counts, events);
      if (exceeded) countIfRefused(exceeded.key, exceeded.seconds);
      return exceeded;
    };
  return {
    ...limits,
    consume: (key, limit, events) => {
      const wait = limits.consume(key, limit, events);
      // Almost always, and without a closure for each event.
      if (wait === 0) return wait;
      return mapMaybe(wait, (seconds) => countIfRefused(key, seconds));
    },
    ...(limits.consumeAll && { consumeAll: countExceeded(limits.consumeAll) }),
    peekLocal: (key, limit) => countIfRefused(key, limits.peekLocal(key, limit)),
    peek: async (key, limit) => countIfRefused(key, await limits.peek(key, limit)),
  };
}

export function instrumentPairing(registry: MetricsRegistry, pairing: Pairing): Pairing {
  const count = registry.counter('swob_pairings_total');
  const codes: Partial<Record<ErrorCode, LabelOf<'swob_pairings_total'>>> = {
    UNAUTHENTICATED: 'wrong_password',
    LIMITED: 'limited',
    BAD_INPUT: 'invalid',
    NOT_FOUND: 'invalid',
    CONFLICT: 'conflict',
  };
  const countStep = <T>(work: Promise<T>, done: LabelOf<'swob_pairings_total'>): Promise<T> =>
    countOutcome(
      work,
      () => count(done),
      (code) => count(codes[code] ?? 'failed'),
    );
  return {
    ...pairing,
    open: (...args) => countStep(pairing.open(...args), 'opened'),
    handshake: (...args) => countStep(pairing.handshake(...args), 'handshake'),
    authenticate: (...args) => countStep(pairing.authenticate(...args), 'paired'),
    replace: (...args) => countStep(pairing.replace(...args), 'replaced'),
  };
}

export function instrumentPairings(registry: MetricsRegistry, pairings: Pairings): Pairings {
  const count = registry.counter('swob_pairing_revocations_total');
  return {
    ...pairings,
    revoke: (...args) =>
      countOutcome(
        pairings.revoke(...args),
        ({ kind }) => count(kind === 'already revoked' ? 'already_revoked' : kind),
        () => count('failed'),
      ),
  };
}

export function instrumentPublishing(registry: MetricsRegistry, publishing: Publishing): Publishing {
  const count = registry.counter('swob_inbound_sms_total');
  const quotas = [
    ['swob_outbox_unverified', 'swob_unverified_sms_total', publishing.unverified],
    ['swob_outbox_relayed', 'swob_relayed_sms_total', publishing.relayed],
  ] as const;
  for (const [gauge, counter, counts] of quotas) {
    registry.gauge(gauge, () => [[{}, counts().kept]]);
    registry.observableCounter(counter, () => [
      [{ outcome: 'refused' }, counts().refused],
      [{ outcome: 'evicted' }, counts().evicted],
    ]);
  }
  return {
    ...publishing,
    receive: (...args) =>
      countOutcome(
        publishing.receive(...args),
        ({ reply }) => count(reply),
        (code) => count(code === 'LIMITED' ? 'limited' : 'failed'),
      ),
  };
}

export function instrumentBroker(registry: MetricsRegistry, broker: Broker): Broker {
  const count = registry.counter('swob_outgoing_sms_total');
  return {
    ...broker,
    send: (sms) =>
      countOutcome(
        broker.send(sms),
        ({ kind }) => count(kind === 'expired' ? 'failed' : kind),
        () => count('failed'),
      ),
  };
}

export function instrumentCallbacks(registry: MetricsRegistry, sender: CallbackSender): CallbackSender {
  const count = registry.counter('swob_callback_attempts_total');
  return {
    ...sender,
    send: (...args) =>
      countOutcome(
        sender.send(...args),
        ({ kind }) => count(kind),
        () => count('failed'),
      ),
  };
}
