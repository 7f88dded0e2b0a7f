// Starts the services from the configuration. Only this folder, the composition root, names concrete adapters.

import { createMemoryBus } from '../../bus/memory.ts';
import { createWebSocketBus } from '../../bus/websocket.ts';
import type { Config } from '../../config/schema.ts';
import { newUuid } from '../../crypto/random.ts';
import { createTlsAgent, trustCertificate } from '../../crypto/tls-agent.ts';
import { createMessageOverview } from '../../domain/outgoing/message-overview.ts';
import type { Bus } from '../../domain/pairing/ports.ts';
import type { SyncSessions } from '../../domain/pairing/sync-ports.ts';
import { createSyncSessions } from '../../domain/pairing/sync-sessions.ts';
import { createNodeRequests } from '../../domain/shared/node-requests.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import type { AuditedDisconnects } from '../../domain/wifi/audit.ts';
import { watchAuditTrail } from '../../domain/wifi/audit-trail.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { createBodyBudget } from '../../http/body-budget.ts';
import { createConnectionLimiter } from '../../http/connection-limiter.ts';
import { createOverloadGuard, sampleIntervalMs } from '../../http/overload-guard.ts';
import { createRemoteSyncSessions } from '../../upstream/remote-sessions.ts';
import { createSampler, maxClientConnections } from '../resources.ts';
import { shareOf } from '../workers/divide.ts';
import { createAppMetrics } from './app-metrics.ts';
import type { AppContext, OpenedStore, Runtime, ServiceName } from './context.ts';
import { buildGateway } from './gateway.ts';
import { buildMonitor, createHealthSources, saveReserveMs } from './monitoring.ts';
import { openAuditStore, openStore } from './store.ts';
import { buildSync } from './sync.ts';
import { serviceUrls } from './urls.ts';

/** Where each started service listens: `{"gateway":{"url":"http://127.0.0.1:6969"}}`. */
export type Endpoints = Partial<Record<ServiceName, { url: string }>>;

/** Of the stop's budget, for the store to write what is in memory after everything else has taken its time. */
const storeReserveMs = 1_000;
/** For the response of a gateway in another process. */
const remoteTimeoutMs = 5_000;

/**
 * Builds all services before the first one listens, so that configuration errors are reported together and leave nothing
 * started. When this throws, the caller stops the lifecycle.
 */
export async function startServices(
  config: Config,
  names: ReadonlySet<ServiceName>,
  context: AppContext,
): Promise<Endpoints> {
  const runtime = createRuntime(config, names, context);
  const { lifecycle, log, clock } = runtime;
  const ports = { gateway: config.api.port, sync: config.websocket.port, disconnect: config.disconnect.port };
  const urls = serviceUrls(config, ports);
  const opened = await openStore(config, runtime, names.has('gateway'));
  lifecycle.defer('store', (deadline) => opened.store.close(deadline), storeReserveMs);
  const store = runtime.metrics.store(opened.store);
  const { metrics, health } = runtime;
  const instance = newUuid();
  const messages = createMessageOverview(store.messages, clock);
  const monitor = buildMonitor(config, context, { store, instance, names, metrics, health, messages });
  lifecycle.defer('monitoring', monitor.stop, saveReserveMs);
  const { bus, sessions } = connectGatewayAndSync(config, names, runtime, {
    ...opened,
    store,
    internal: urls.internal,
  });
  lifecycle.defer('bus', () => bus.close());

  const trail = watchAuditTrail(store.disconnects, { clock, isShared: store.shared !== undefined });
  /** Undefined until it is built, and where this process does not run it. */
  let disconnects: AuditedDisconnects | undefined;
  const nodes = createNodeRequests({
    ...context,
    channel: opened.nodes,
    name: monitor.name,
    instance,
    peers: monitor.peers,
  });
  lifecycle.defer('requests of nodes', nodes.stop);

  const runtimeOf = (name: ServiceName): Runtime => ({ ...runtime, log: runtime.logFor?.(name) ?? log });
  const builders = {
    gateway: () =>
      buildGateway(config, runtimeOf('gateway'), {
        store,
        bus,
        addresses: urls.public,
        overview: monitor.overview,
        messages,
        trail,
        disconnects: () => disconnects,
        nodes,
      }),
    sync: () => {
      // Without a gateway in this process and without a shared store, the store holds rate limits only.
      const hasSessions = names.has('gateway') || opened.bus;
      const needs = hasSessions ? { store } : { gateway: urls.internal.gateway() };
      const parts = { sessions, limits: store.limits, bus, addresses: urls.public, needs };
      return buildSync(config, runtimeOf('sync'), parts);
    },
    disconnect: async () => {
      const { buildDisconnect } = await import('./disconnect.ts');
      const logged = runtimeOf('disconnect');
      // The folder of an embedded store belongs to the gateway's process.
      const isOwn = names.has('gateway') || store.shared !== undefined;
      const audit = isOwn ? trail.store : await openAuditStore(config, logged, store);
      const built = await buildDisconnect(config, logged, store, audit);
      disconnects = built.disconnects;
      return built.server;
    },
  };
  if (opened.nodes && config.console.enabled && !names.has('gateway'))
    (await import('./console.ts')).shareWithConsoles(config, runtime, nodes, {
      trail,
      disconnects: () => disconnects,
    });
  const ordered = startOrder.filter((name) => names.has(name));
  const servers = await allOrConfigErrors(ordered.map((name) => builders[name]()));

  // Concurrently: the slowest of them may take all the time that is not reserved.
  lifecycle.defer('services', async (deadline) => {
    const interrupted = await Promise.all(servers.map((server) => server.stop(deadline)));
    return interrupted.reduce((sum, count) => sum + count, 0);
  });

  context.worker?.provide({
    metrics: metrics.snapshot,
    readiness: health.readinessOf,
    drain: async () => void (await Promise.all(servers.map((server) => server.drain()))),
  });

  const endpoints: Endpoints = {};
  for (const [index, name] of ordered.entries()) {
    const server = servers[index];
    if (!server) continue;
    ports[name] = await server.start();
    endpoints[name] = { url: urls.bound[name]() };
    runtimeOf(name).log.info({ url: endpoints[name].url }, 'listening');
  }
  monitor.start();
  nodes.start();
  return endpoints;
}

/** The services share the event loop and the heap, so they share one overload guard. */
function createRuntime({ overload }: Config, names: ReadonlySet<ServiceName>, context: AppContext): Runtime {
  const { clock, log, lifecycle } = context;
  const pressure = createOverloadGuard({
    maxDelayMs: overload.max_event_loop_delay,
    maxMemory: overload.max_memory,
    sample: context.sample ?? createSampler(clock, sampleIntervalMs, context.worker?.count),
    clock,
    log,
  });
  lifecycle.defer('overload protection', pressure.stop);
  const bodies = createBodyBudget(overload.max_bodies);
  const connections = createConnectionLimiter({
    max: context.maxConnections ?? maxClientConnections(),
    clock,
    log,
  });
  const metrics = createAppMetrics({
    version: context.version,
    logDrops: context.droppedLogLines ?? (() => ({ file: 0, gelf: 0, repeated: 0 })),
    overloadRefusals: () => pressure.rejected,
    bodyBudget: bodies,
    connections,
    onServed: context.onResponse ?? (() => {}),
  });
  lifecycle.defer('metrics', metrics.stop);
  return {
    ...context,
    services: [...names],
    overloadGuard: pressure,
    bodyBudget: bodies,
    connectionLimiter: connections,
    metrics,
    health: createHealthSources(),
    shareOf: (bound) => shareOf(bound, context.worker?.count ?? 1),
  };
}

/** Sync first: clients connect to it once the gateway returns its URL. */
const startOrder = ['sync', 'gateway', 'disconnect'] as const;

/** Gateway and sync communicate through a shared store, in this process, or by the old server's wire protocol. */
function connectGatewayAndSync(
  config: Config,
  names: ReadonlySet<ServiceName>,
  context: AppContext,
  { store, bus, internal }: OpenedStore & { internal: ServiceUrls },
): { bus: Bus; sessions: SyncSessions } {
  const production = config.api.state === 'production';
  const hasBoth = names.has('gateway') && names.has('sync');
  // The bus of the workers of one process does not reach a service of another one.
  if (hasBoth || (bus && !context.worker?.store)) {
    const sessions = createSyncSessions(store.sessions, { production });
    return { bus: bus ?? createMemoryBus(), sessions };
  }
  const other = names.has('gateway') ? config.websocket : config.api;
  if (other.port === 0 && (names.has('gateway') || names.has('sync'))) {
    context.log.warn(
      {},
      'the service in the other process has port 0 in this configuration: URLs for clients will not work',
    );
  }
  const { api_ssl: gatewayTls, websocket_ssl: syncTls } = config;
  return {
    bus: createWebSocketBus({
      ...context,
      addresses: internal,
      agent: syncTls.crt === '' ? undefined : createTlsAgent(syncTls),
    }),
    sessions: createRemoteSyncSessions({
      addresses: internal,
      tls: gatewayTls.crt === '' ? undefined : trustCertificate(gatewayTls),
      timeoutMs: remoteTimeoutMs,
      production,
      clock: context.clock,
    }),
  };
}

/** Like Promise.all, but reports every configuration error in one. */
async function allOrConfigErrors<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  const unexpected = faults.find((fault) => !(fault instanceof SwobError && fault.code === 'CONFIG'));
  if (unexpected !== undefined) throw unexpected;
  if (faults.length > 0) throw new SwobError('CONFIG', faults.map(messageOf).join('\n  '));
  return Promise.all(promises);
}
