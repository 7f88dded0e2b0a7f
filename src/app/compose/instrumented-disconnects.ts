// Decorators that count disconnects, and the calls to the backends that end sessions. Used by app-metrics.ts.

import type { Clock } from '../../domain/shared/ports.ts';
import {
  type AccountingOutcome,
  accountingOutcomes,
  type DropReason,
  dropReasons,
} from '../../domain/wifi/datagram-outcomes.ts';
import type { DisconnectOutcome, Disconnects } from '../../domain/wifi/disconnects.ts';
import { type HostHealth, hostOutcomes } from '../../domain/wifi/failover.ts';
import {
  type BackendName,
  type BackendResult,
  backendNames,
  type DisconnectBackend,
  type Pcrf,
} from '../../domain/wifi/ports.ts';
import type { SessionVerifier } from '../../domain/wifi/verification.ts';
import type { ErrorCode } from '../../errors.ts';
import type { LabelOf, MetricsRegistry } from '../../metrics/registry.ts';
import { countOutcome } from './instrumented.ts';

type Outcome = LabelOf<'swob_disconnects_total'>;

const disconnectLabels = {
  disconnected: { pcrf: 'done', radius: 'done' },
  rejected: { pcrf: 'pcrf_failed', radius: 'nas_failed' },
  unreachable: { pcrf: 'pcrf_failed', radius: 'nas_failed' },
  'invalid response': { pcrf: 'pcrf_failed', radius: 'nas_failed' },
  timeout: { pcrf: 'pcrf_timeout', radius: 'nas_timeout' },
  busy: { pcrf: 'busy', radius: 'busy' },
  overloaded: { pcrf: 'busy', radius: 'busy' },
  stopping: { pcrf: 'failed', radius: 'failed' },
  'bad session': { pcrf: 'token_refused', radius: 'token_refused' },
} as const satisfies Record<DisconnectOutcome['kind'], Record<BackendName, Outcome>>;

/** Of the first backend that failed, if one has, or else of the last one. */
function labelOf({ kind, reports }: DisconnectOutcome): Outcome {
  const failed = reports.find((report) => report.kind !== 'disconnected') ?? reports.at(-1);
  return disconnectLabels[kind][failed?.backend ?? 'pcrf'];
}

export function instrumentDisconnects(registry: MetricsRegistry, disconnects: Disconnects): Disconnects {
  const count = registry.counter('swob_disconnects_total');
  // Other errors, such as that of an unavailable store, do not concern the backends.
  const codes: Partial<Record<ErrorCode, Outcome>> = {
    UNAUTHENTICATED: 'token_refused',
    BAD_INPUT: 'token_refused',
    LIMITED: 'limited',
  };
  return {
    ...disconnects,
    disconnect: (...args) =>
      countOutcome(
        disconnects.disconnect(...args),
        (outcome) => count(labelOf(outcome)),
        (code) => count(codes[code] ?? 'failed'),
      ),
  };
}

const backendLabels = {
  disconnected: 'done',
  'already gone': 'already_gone',
  rejected: 'rejected',
  unreachable: 'unreachable',
  'invalid response': 'invalid',
  timeout: 'timeout',
  busy: 'busy',
  stopping: 'failed',
  'bad session': 'failed',
} as const satisfies Record<BackendResult['kind'], string>;

export function instrumentBackends(
  registry: MetricsRegistry,
  backends: readonly DisconnectBackend[],
): DisconnectBackend[] {
  const outcomes = [...new Set(Object.values(backendLabels))];
  const counts = new Map<string, number>();
  registry.observableCounter('swob_disconnect_backend_calls_total', () =>
    backendNames.flatMap((backend) =>
      outcomes.map((outcome) => [{ backend, outcome }, counts.get(`${backend} ${outcome}`) ?? 0] as const),
    ),
  );
  const count = (backend: BackendName, outcome: string): void => {
    const key = `${backend} ${outcome}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  return backends.map((backend) => ({
    name: backend.name,
    disconnect: (session) =>
      countOutcome(
        backend.disconnect(session),
        ({ kind }) => count(backend.name, backendLabels[kind]),
        () => count(backend.name, 'failed'),
      ),
  }));
}

/** Registers the metric also where RADIUS is not used. */
export function instrumentRadius(
  registry: MetricsRegistry,
): (dropped: () => Readonly<Record<DropReason, number>>) => void {
  let current: (() => Readonly<Record<DropReason, number>>) | undefined;
  registry.observableCounter('swob_radius_packets_dropped_total', () =>
    dropReasons.map((reason) => [{ reason }, current?.()[reason] ?? 0] as const),
  );
  return (dropped) => {
    current = dropped;
  };
}

export function instrumentPcrf(registry: MetricsRegistry, pcrf: Pcrf, clock: Pick<Clock, 'monotonic'>): Pcrf {
  return measured(registry.histogram('swob_pcrf_call_duration_seconds')(), pcrf, clock);
}

/** Registers the metric also where RADIUS is not used. */
export function instrumentRadiusCalls(registry: MetricsRegistry) {
  const observe = registry.histogram('swob_radius_call_duration_seconds')();
  return (backend: DisconnectBackend, clock: Pick<Clock, 'monotonic'>): DisconnectBackend =>
    measured(observe, backend, clock);
}

/** @param observe gets the seconds that each call took */
function measured<Backend extends DisconnectBackend>(
  observe: (seconds: number) => void,
  backend: Backend,
  clock: Pick<Clock, 'monotonic'>,
): Backend {
  return {
    ...backend,
    disconnect: async (session) => {
      const startedAt = clock.monotonic();
      try {
        return await backend.disconnect(session);
      } finally {
        observe((clock.monotonic() - startedAt) / 1_000);
      }
    },
  };
}

/** Registers the metrics also where no PCRF is used. */
export function instrumentPcrfHosts(
  registry: MetricsRegistry,
): (states: () => readonly HostHealth[]) => void {
  let current: () => readonly HostHealth[] = () => [];
  registry.gauge('swob_pcrf_host_up', () =>
    current().map(({ host, state }) => [{ host }, state === 'working' ? 1 : 0] as const),
  );
  registry.observableCounter('swob_pcrf_host_calls_total', () =>
    current().flatMap(({ host, calls }) =>
      hostOutcomes.map((outcome) => [{ host, outcome }, calls[outcome]] as const),
    ),
  );
  return (states) => {
    current = states;
  };
}

/** Registers the metric also where nothing is verified. */
export function instrumentVerifier(
  registry: MetricsRegistry,
): (verifier: SessionVerifier) => SessionVerifier {
  const count = registry.counter('swob_disconnect_verifications_total');
  return (verifier) => ({
    ...verifier,
    verify: async (session) => {
      const verdict = await verifier.verify(session);
      count(verdict);
      return verdict;
    },
  });
}

/** Registers the metric also where no accounting is received. */
export function instrumentAccounting(
  registry: MetricsRegistry,
): (counts: () => Readonly<Record<AccountingOutcome, number>>) => void {
  let current: (() => Readonly<Record<AccountingOutcome, number>>) | undefined;
  registry.observableCounter('swob_radius_accounting_packets_total', () =>
    accountingOutcomes.map((outcome) => [{ outcome }, current?.()[outcome] ?? 0] as const),
  );
  return (counts) => {
    current = counts;
  };
}
