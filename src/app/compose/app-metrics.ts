// The metrics of this process. Used by the other files of this folder, which wrap ports and use cases with them.

import type { Publisher } from '../../domain/inbound/ports.ts';
import type { Publishing } from '../../domain/inbound/publishing.ts';
import type { RefusedSmsLog } from '../../domain/inbound/refused-sms.ts';
import type { Totals } from '../../domain/monitoring/sampler.ts';
import type { OutgoingMessage } from '../../domain/outgoing/message.ts';
import type { Broker, CallbackSender } from '../../domain/outgoing/ports.ts';
import type { Pairing } from '../../domain/pairing/pairing.ts';
import type { Pairings } from '../../domain/pairing/revocation.ts';
import type { TestEvent } from '../../domain/seeds/reliability.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import type { AccountingOutcome, DropReason } from '../../domain/wifi/datagram-outcomes.ts';
import type { Disconnects } from '../../domain/wifi/disconnects.ts';
import type { HostHealth } from '../../domain/wifi/failover.ts';
import type { DisconnectBackend, Pcrf } from '../../domain/wifi/ports.ts';
import type { SessionVerifier } from '../../domain/wifi/verification.ts';
import { type ConnectionLimiter, closeReasons } from '../../http/connection-limiter.ts';
import { monitorEventLoop } from '../../metrics/event-loop.ts';
import { registerProcessMetrics } from '../../metrics/process.ts';
import { createMetricsRegistry, type LabelOf, type MetricsRegistry } from '../../metrics/registry.ts';
import { type CompletedRequest, createRequestMeter } from '../../metrics/requests.ts';
import type { PoolUsage } from '../../upstream/connection-pool.ts';
import type { LogDrops } from './context.ts';
import { readSeriesTotals } from './history-series.ts';
import {
  instrumentBroker,
  instrumentCallbacks,
  instrumentPairing,
  instrumentPairings,
  instrumentPublishing,
  instrumentStore,
} from './instrumented.ts';
import {
  instrumentAccounting,
  instrumentBackends,
  instrumentDisconnects,
  instrumentPcrf,
  instrumentPcrfHosts,
  instrumentRadius,
  instrumentRadiusCalls,
  instrumentVerifier,
} from './instrumented-disconnects.ts';
import { instrumentPublisher, instrumentRefusedSms } from './instrumented-sms.ts';
import { countLogDrops } from './primary-metrics.ts';

type PoolName = 'pcrf' | 'publisher' | 'relay';

export interface AppMetrics {
  /** @returns the function that counts the requests of a service */
  requestCounter(service: string): (request: CompletedRequest) => void;
  /** Counts exceeded limits and lost leases, and exports the size of the outboxes. */
  store(store: Store): Store;
  deadLettered(kind: LabelOf<'swob_outbox_dead_lettered_total'>): void;
  pairing(pairing: Pairing): Pairing;
  pairings(pairings: Pairings): Pairings;
  publishing(publishing: Publishing): Publishing;
  publisher(publisher: Publisher): Publisher;
  /** Registers its metrics also where nothing is relayed. */
  relay(publisher: Publisher | undefined): Publisher | undefined;
  refusedSms(history: RefusedSmsLog): RefusedSmsLog;
  /** @returns counts reliability tests by what happened to them */
  reliabilityTests(): (event: TestEvent) => void;
  broker(broker: Broker): Broker;
  /** @returns counts SMS that wait, by why; `oldest` is how many seconds the first one of a queue has waited */
  outgoingWaits(oldest: () => number): (why: LabelOf<'swob_outgoing_waits_total'>) => void;
  /** @returns counts outgoing SMS by the state that they enter */
  outgoingStates(): (message: Pick<OutgoingMessage, 'state'>) => void;
  /** @returns counts routes that are passed over, by why */
  passedOverRoutes(now: () => number): (why: LabelOf<'swob_outgoing_route_faults_total'>) => void;
  callbacks(sender: CallbackSender): CallbackSender;
  disconnects(disconnects: Disconnects): Disconnects;
  /** Measures the calls. */
  pcrf(pcrf: Pcrf, clock: Pick<Clock, 'monotonic'>): Pcrf;
  pcrfHosts(states: () => readonly HostHealth[]): void;
  verifier(verifier: SessionVerifier): SessionVerifier;
  accounting(counts: () => Readonly<Record<AccountingOutcome, number>>): void;
  radiusCalls(backend: DisconnectBackend, clock: Pick<Clock, 'monotonic'>): DisconnectBackend;
  /** Counts calls to the systems that end sessions. */
  backends(backends: readonly DisconnectBackend[]): DisconnectBackend[];
  /** Exports the counts of dropped RADIUS packets. */
  radius(dropped: () => Readonly<Record<DropReason, number>>): void;
  /** @returns counts records of the audit trail by what became of them */
  auditedDisconnects(): (outcome: LabelOf<'swob_disconnect_records_total'>) => void;
  pool(name: PoolName, usage: () => PoolUsage): void;
  sockets(open: () => number): void;
  /** The counters and gauges of the monitoring history. */
  seriesTotals(): Totals;
  /** @param open the live streams of pages */
  console(open: () => number): {
    signIn(outcome: LabelOf<'swob_console_sign_ins_total'>): void;
    refused(reason: LabelOf<'swob_console_streams_refused_total'>): void;
  };
  text(): ReturnType<MetricsRegistry['text']>;
  snapshot(): ReturnType<MetricsRegistry['snapshot']>;
  stop(): void;
}

export function createAppMetrics(options: {
  readonly version: string;
  readonly logDrops: () => LogDrops;
  readonly overloadRefusals: () => number;
  /** Bytes of request bodies in memory, and bodies refused for lack of memory. */
  readonly bodyBudget: { readonly usedBytes: number; readonly rejected: number };
  /** Of client connections to all services. */
  readonly connections: Pick<ConnectionLimiter, 'open' | 'closed'>;
  /** Called after each response. */
  readonly onServed: () => void;
}): AppMetrics {
  const registry = createMetricsRegistry();
  registerProcessMetrics(registry, options.version);
  const loop = monitorEventLoop(registry);
  const meterOf = createRequestMeter(registry);
  let openSockets: (() => number) | undefined;
  countLogDrops(registry, options.logDrops);
  registry.observableCounter('swob_overload_refusals_total', () => [[{}, options.overloadRefusals()]]);
  registry.observableCounter('swob_request_body_refusals_total', () => [[{}, options.bodyBudget.rejected]]);
  // The primary process counts them.
  registry.gauge('swob_workers', () => [[{}, 0]]);
  registry.counter('swob_worker_replacements_total');
  registry.gauge('swob_request_body_bytes', () => [[{}, options.bodyBudget.usedBytes]]);
  registry.gauge('swob_client_connections', () => [[{}, options.connections.open]]);
  registry.observableCounter('swob_client_connections_closed_total', () =>
    closeReasons.map((reason) => [{ reason }, options.connections.closed[reason]] as const),
  );

  return {
    requestCounter: (service) => {
      const count = meterOf(service);
      return (request) => {
        loop.recordActivity();
        options.onServed();
        count(request);
      };
    },
    store: (store) => instrumentStore(registry, store),
    deadLettered: registry.counter('swob_outbox_dead_lettered_total'),
    pairing: (pairing) => instrumentPairing(registry, pairing),
    pairings: (pairings) => instrumentPairings(registry, pairings),
    publishing: (publishing) => instrumentPublishing(registry, publishing),
    publisher: (publisher) => instrumentPublisher(registry.counter('swob_publisher_calls_total'), publisher),
    relay: (publisher) => {
      const count = registry.counter('swob_relay_calls_total');
      return publisher && instrumentPublisher(count, publisher);
    },
    refusedSms: (history) => instrumentRefusedSms(registry, history),
    reliabilityTests: () => registry.counter('swob_reliability_tests_total'),
    broker: (broker) => instrumentBroker(registry, broker),
    outgoingWaits: (oldest) => {
      registry.gauge('swob_outgoing_oldest_wait_seconds', () => [[{}, oldest()]]);
      return registry.counter('swob_outgoing_waits_total');
    },
    outgoingStates: () => {
      const count = registry.counter('swob_outgoing_states_total');
      return ({ state }) => {
        if (state !== 'queued') count(state);
      };
    },
    passedOverRoutes: (now) => {
      registry.gauge('swob_outgoing_routes_passed_over', () => [[{}, now()]]);
      return registry.counter('swob_outgoing_route_faults_total');
    },
    callbacks: (sender) => instrumentCallbacks(registry, sender),
    disconnects: (disconnects) => instrumentDisconnects(registry, disconnects),
    pcrf: (pcrf, clock) => instrumentPcrf(registry, pcrf, clock),
    pcrfHosts: instrumentPcrfHosts(registry),
    verifier: instrumentVerifier(registry),
    accounting: instrumentAccounting(registry),
    backends: (backends) => instrumentBackends(registry, backends),
    radius: instrumentRadius(registry),
    radiusCalls: instrumentRadiusCalls(registry),
    auditedDisconnects: () => registry.counter('swob_disconnect_records_total'),
    pool: createPoolGauge(registry),
    sockets: (open) => {
      openSockets = open;
      registry.gauge('swob_sync_sockets', () => [[{}, open()]]);
    },
    seriesTotals: () => readSeriesTotals(registry, openSockets),
    console: (open) => {
      registry.gauge('swob_console_streams', () => [[{}, open()]]);
      return {
        signIn: registry.counter('swob_console_sign_ins_total'),
        refused: registry.counter('swob_console_streams_refused_total'),
      };
    },
    text: registry.text,
    snapshot: registry.snapshot,
    stop: loop.stop,
  };
}

function createPoolGauge(registry: MetricsRegistry): AppMetrics['pool'] {
  const pools = new Map<PoolName, () => PoolUsage>();
  registry.gauge('swob_upstream_connections', () =>
    [...pools].flatMap(([upstream, usage]) => {
      const { inUse, idle, waiting } = usage();
      return [
        [{ upstream, state: 'in_use' }, inUse] as const,
        [{ upstream, state: 'idle' }, idle] as const,
        [{ upstream, state: 'waiting' }, waiting] as const,
      ];
    }),
  );
  return (name, usage) => void pools.set(name, usage);
}
