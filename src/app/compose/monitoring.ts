// Builds the monitor of the process: its history, its health, and what other nodes know of it. Used by start.ts.

import { hostname } from 'node:os';
import type { Config } from '../../config/schema.ts';
import type { CallHealth } from '../../domain/inbound/call-health.ts';
import type { HealthObservation } from '../../domain/monitoring/health-log.ts';
import { createMonitor, type Monitor } from '../../domain/monitoring/monitor.ts';
import type { MessageOverview } from '../../domain/outgoing/message-overview.ts';
import type { Store } from '../../domain/store.ts';
import type { Readiness } from '../../http/readiness.ts';
import type { AppMetrics } from './app-metrics.ts';
import type { AppContext, ServiceName, WorkerContext } from './context.ts';

/** Of the stop's budget, for the last save. */
export const saveReserveMs = 500;

/** What the services of this process report about their dependencies. */
export interface HealthSources {
  /** Never rejects. */
  addReadiness(service: ServiceName, readiness: () => Promise<Readiness>): void;
  /** Undefined for a service that this process does not run. */
  readinessOf(service: ServiceName): Promise<Readiness> | undefined;
  /** Adds since when and why calls fail. */
  addCalls(calls: () => readonly CallHealth[]): void;
  check(): Promise<readonly HealthObservation[]>;
}

export function createHealthSources(): HealthSources {
  const readiness = new Map<ServiceName, () => Promise<Readiness>>();
  const calls: (() => readonly CallHealth[])[] = [];
  return {
    addReadiness: (service, source) => void readiness.set(service, source),
    readinessOf: (service) => readiness.get(service)?.(),
    addCalls: (source) => void calls.push(source),
    check: async () => {
      const found = await Promise.all([...readiness.values()].map((source) => source()));
      const failing = calls.flatMap((source) => source()).filter(({ failures }) => failures > 0);
      return found.flatMap(({ checks }) =>
        Object.entries(checks).map(([name, { ok, required, reason }]): HealthObservation => {
          const call = reason === 'failing' ? failing.find((each) => each.name === name) : undefined;
          return {
            name,
            required,
            state: ok ? 'ok' : (reason ?? 'failed'),
            since: call?.since,
            reason: call?.reason,
          };
        }),
      );
    },
  };
}

export function buildMonitor(
  config: Config,
  { clock, log, version, worker }: AppContext,
  parts: {
    readonly store: Store;
    /** Differs for each start of the process. */
    readonly instance: string;
    readonly names: ReadonlySet<ServiceName>;
    readonly metrics: AppMetrics;
    readonly health: HealthSources;
    readonly messages: MessageOverview;
  },
): Monitor {
  const { store, instance, names, metrics, health, messages } = parts;
  const isShared = store.shared !== undefined;
  const sendsSms = names.has('gateway') && config.broker.url !== '';
  return createMonitor({
    store: store.monitoring,
    isShared,
    name: isShared ? nodeName(config, names, instance, worker) : 'local',
    identity: { instance, version, services: [...names] },
    totals: metrics.seriesTotals,
    outbox: names.has('gateway') ? store.inbound.count : undefined,
    overdueSms: sendsSms ? async () => (await messages.today()).overdue : undefined,
    checkHealth: health.check,
    clock,
    log,
  });
}

/** The same after a restart, and another one for each process of a machine. */
function nodeName(
  config: Config,
  names: ReadonlySet<ServiceName>,
  instance: string,
  worker: WorkerContext | undefined,
): string {
  if (worker?.store) return `worker ${worker.slot}`;
  const name = processName(config, names, instance);
  return worker ? `${name}/${worker.slot}` : name;
}

function processName(config: Config, names: ReadonlySet<ServiceName>, instance: string): string {
  const { api, websocket, disconnect, metrics } = config;
  if (metrics.node !== '') return metrics.node;
  const port = names.has('gateway') ? api.port : names.has('sync') ? websocket.port : disconnect.port;
  return `${hostname()}:${port === 0 ? instance.slice(0, 8) : port}`;
}
