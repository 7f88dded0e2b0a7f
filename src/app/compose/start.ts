// Starts the services together from the configuration. Only the files of this folder name concrete adapters.

import { createMemoryBus } from '../../bus/memory.ts';
import { createWebSocketBus } from '../../bus/websocket.ts';
import type { Config } from '../../config/schema.ts';
import { createTrustingAgent } from '../../crypto/trust.ts';
import type { Addresses } from '../../domain/addresses.ts';
import type { Bus, SyncSessions } from '../../domain/ports.ts';
import { createSyncSessions } from '../../domain/sync-sessions.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { createPressure, sampleEveryMs } from '../../http/pressure.ts';
import { createRemoteSyncSessions } from '../../upstream/gateway.ts';
import { createSampler } from '../resources.ts';
import { buildGateway } from './gateway.ts';
import { createInstruments } from './instruments.ts';
import { openStore } from './store.ts';
import { buildSync } from './sync.ts';
import { serviceUrls } from './urls.ts';
import type { OpenedStore, ServiceName, Workshop, World } from './world.ts';

/** Where each started service listens: `{"gateway":{"url":"http://127.0.0.1:6969"}}`. */
export type Endpoints = Partial<Record<ServiceName, { url: string }>>;

/** How long a sync service waits for a gateway in another process. */
const remoteTimeoutMs = 5_000;

/**
 * Starts the named services: all are built before the first listens, so that what is wrong with their files is
 * told at once and nothing has been started. Throws after undoing nothing: the caller stops the lifecycle.
 */
export async function startServices(
  config: Config,
  names: ReadonlySet<ServiceName>,
  outside: World,
): Promise<Endpoints> {
  const world = furnish(config, outside);
  const { lifecycle, log } = world;
  const ports = { gateway: config.api.port, sync: config.websocket.port, disconnect: config.disconnect.port };
  const urls = serviceUrls(config, ports);
  const opened = await openStore(config, world, names.has('gateway'));
  lifecycle.defer('store', () => opened.store.close());
  const store = world.instruments.store(opened.store);
  const { bus, sessions } = connect(config, names, world, { ...opened, store, internal: urls.internal });
  lifecycle.defer('bus', () => bus.close());

  const inService = (name: ServiceName): Workshop => ({ ...world, log: world.logFor?.(name) ?? log });
  const builders = {
    gateway: () => buildGateway(config, inService('gateway'), { store, bus, addresses: urls.public }),
    sync: () => {
      // Without a gateway in this process, and not shared, there is a store for limits only.
      const hasSessions = names.has('gateway') || opened.bus;
      const needs = hasSessions ? { store } : { gateway: urls.internal.gateway() };
      const parts = { sessions, limits: store.limits, bus, addresses: urls.public, needs };
      return buildSync(config, inService('sync'), parts);
    },
    disconnect: async () =>
      (await import('./disconnect.ts')).buildDisconnect(config, inService('disconnect'), store),
  };
  const wanted = startOrder.filter((name) => names.has(name));
  const servers = await allOrFaults(wanted.map((name) => builders[name]()));

  // Together: one after the other they could need longer than a stop may take.
  lifecycle.defer('services', async () => void (await Promise.all(servers.map((server) => server.stop()))));

  const endpoints: Endpoints = {};
  for (const [index, name] of wanted.entries()) {
    const server = servers[index];
    if (!server) continue;
    ports[name] = await server.start();
    endpoints[name] = { url: urls.bound[name]() };
    inService(name).log.info({ url: endpoints[name].url }, 'listening');
  }
  return endpoints;
}

/** All services share one event loop and one memory, and so one measure of pressure. */
function furnish({ overload }: Config, world: World): Workshop {
  const { clock, log, lifecycle } = world;
  const pressure = createPressure({
    maxDelayMs: overload.max_event_loop_delay,
    maxMemory: overload.max_memory,
    sample: world.sample ?? createSampler(clock, sampleEveryMs),
    clock,
    log,
  });
  lifecycle.defer('overload protection', pressure.stop);
  const instruments = createInstruments({
    version: world.version,
    logDrops: world.logDrops ?? (() => ({})),
    overloadRefusals: () => pressure.refused,
    onServed: world.onServed ?? (() => {}),
  });
  lifecycle.defer('metrics', instruments.stop);
  return { ...world, pressure, instruments };
}

/** Sync before the gateway: once the gateway hands out its URL, it answers. */
const startOrder = ['sync', 'gateway', 'disconnect'] as const;

/** How gateway and sync meet: in the store that all share, in this process, or over the old wire protocol. */
function connect(
  config: Config,
  names: ReadonlySet<ServiceName>,
  world: World,
  { store, bus, internal }: OpenedStore & { internal: Addresses },
): { bus: Bus; sessions: SyncSessions } {
  const production = config.api.state === 'production';
  if (bus || (names.has('gateway') && names.has('sync'))) {
    const sessions = createSyncSessions(store.sessions, { production });
    return { bus: bus ?? createMemoryBus(), sessions };
  }
  const other = names.has('gateway') ? config.websocket : config.api;
  if (other.port === 0 && (names.has('gateway') || names.has('sync'))) {
    world.log.warn({}, 'the other half has port 0 in the configuration: URLs for clients will not work');
  }
  const agent = ({ crt, pem }: { crt: string; pem: string }) =>
    crt === '' ? undefined : createTrustingAgent({ crt, pem });
  return {
    bus: createWebSocketBus({ ...world, addresses: internal, agent: agent(config.websocket_ssl) }),
    sessions: createRemoteSyncSessions({
      addresses: internal,
      agent: agent(config.api_ssl),
      timeoutMs: remoteTimeoutMs,
      production,
    }),
  };
}

/** What all resolve to; when some reject, their faults in one error. */
async function allOrFaults<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  const unexpected = faults.find((fault) => !(fault instanceof SwobError && fault.code === 'CONFIG'));
  if (unexpected !== undefined) throw unexpected;
  if (faults.length > 0) throw new SwobError('CONFIG', faults.map(messageOf).join('\n  '));
  return Promise.all(promises);
}
