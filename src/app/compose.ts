// Puts the services together from the configuration. The only file that names concrete adapters.

import proxyAddr from '@fastify/proxy-addr';
import { createMemoryBus } from '../bus/memory.ts';
import { createWebSocketBus } from '../bus/websocket.ts';
import { isWildcard } from '../config/contradictions.ts';
import type { Config } from '../config/schema.ts';
import { loadServerKeys } from '../crypto/keypair.ts';
import { type Addresses, serviceUrl } from '../domain/addresses.ts';
import { createPairing } from '../domain/pairing.ts';
import type { Bus, Clock, Log, Store } from '../domain/ports.ts';
import { createSeeds } from '../domain/seeds.ts';
import { createSyncSessions } from '../domain/sync-sessions.ts';
import { createGateway } from '../gateway/server.ts';
import { openLowdbStore } from '../store/lowdb/store.ts';
import { createMemoryStore } from '../store/memory/store.ts';
import type { StoreOptions } from '../store/options.ts';
import { createSyncServer } from '../sync/server.ts';
import { createTelecom } from '../telecom/telecom.ts';
import { createRemoteSyncSessions } from '../upstream/gateway.ts';
import { createUserApi } from '../upstream/users.ts';
import type { Lifecycle } from './lifecycle.ts';
import { machineAddress } from './machine-address.ts';
import { loadTls } from './tls.ts';

export type ServiceName = 'gateway' | 'sync';

/** Where each started service listens: `{"gateway":{"url":"http://127.0.0.1:6969"}}`. */
export type Endpoints = Partial<Record<ServiceName, { url: string }>>;

export interface World {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly version: string;
}

/** Starts the named services. Throws after undoing nothing: the caller stops the lifecycle. */
export async function startServices(
  config: Config,
  names: ReadonlySet<ServiceName>,
  world: World,
): Promise<Endpoints> {
  const { lifecycle, log } = world;
  const ports = { gateway: config.api.port, sync: config.websocket.port };
  const urls = serviceUrls(config, ports);
  const together = names.has('gateway') && names.has('sync');
  const endpoints: Endpoints = {};

  // A sync service on its own keeps nothing but its rate limits.
  const store = names.has('gateway')
    ? await openStore(config, world)
    : createMemoryStore(storeOptions(config, world));
  lifecycle.defer('store', () => store.close());
  const bus = together ? createMemoryBus() : createWebSocketBus({ addresses: urls.internal, ...world });
  lifecycle.defer('bus', () => bus.close());

  const starting = {
    gateway: () => buildGateway(config, world, { store, bus, addresses: urls.public }),
    sync: () =>
      buildSync(config, world, { store, bus, together, addresses: urls.public, internal: urls.internal }),
  };
  // Sync first: once the gateway hands out its URL, it answers.
  for (const name of ['sync', 'gateway'] as const) {
    if (!names.has(name)) continue;
    const server = await starting[name]();
    lifecycle.defer(name, () => server.stop());
    ports[name] = await server.start();
    endpoints[name] = { url: urls.bound[name]() };
    log.info({ service: name, url: endpoints[name].url }, 'listening');
  }
  return endpoints;
}

interface Shared {
  readonly store: Store;
  readonly bus: Bus;
  readonly addresses: Addresses;
}

async function buildGateway(config: Config, world: World, { store, bus, addresses }: Shared) {
  const { clock, log } = world;
  const production = config.api.state === 'production';
  const telecom = createTelecom({ operatorsFile: config.seeds.operators_file });
  const keys = await loadServerKeys({
    publicKey: config.security.public_key_filepath,
    privateKey: config.security.private_key_filepath,
  });
  const api = config.user_management_api;
  return createGateway({
    host: config.api.host,
    port: config.api.port,
    tls: await loadTls('api_ssl', config.api_ssl),
    state: config.api.state,
    origins: config.api.origins,
    trustedProxies: config.api.trusted_proxies,
    requestTimeoutMs: config.api.request_timeout,
    // Two calls to the user API, and the disk.
    handlerTimeoutMs: 2 * api.timeout + 10_000,
    seedsEndpoint: config.seeds.api_endpoint,
    seedTokenSecret: config.seeds.token_secret,
    seeds: createSeeds({
      store,
      clock,
      telecom,
      expiryMs: config.seeds.expiry,
      pingLimit: config.limits.pings,
      strict: production,
    }),
    pairing: createPairing({
      store,
      bus,
      clock,
      log,
      keys,
      users: createUserApi({
        apiUrl: api.api_url,
        verificationUrl: api.verification_url,
        platformsUrl: api.platforms_url,
        timeoutMs: api.timeout,
      }),
      limits: config.limits,
      production,
    }),
    addresses,
    publicKeyPem: keys.publicKeyPem,
    version: world.version,
    clock,
    log,
  });
}

async function buildSync(
  config: Config,
  { clock, log }: World,
  { store, bus, addresses, together, internal }: Shared & { together: boolean; internal: Addresses },
) {
  const production = config.api.state === 'production';
  const isTrusted = proxyAddr.compile([...config.api.trusted_proxies]);
  return createSyncServer({
    host: config.websocket.host,
    port: config.websocket.port,
    tls: await loadTls('websocket_ssl', config.websocket_ssl),
    state: config.api.state,
    origins: config.api.origins,
    addressOf: (request) => proxyAddr(request, isTrusted),
    requestTimeoutMs: config.api.request_timeout,
    maxConnections: config.sync.max_connections,
    socketLimit: config.limits.sessions,
    connection: {
      changeLimit: config.sync.session_change_limit,
      sleepMs: config.sync.session_sleep_timeout,
      pausedMs: config.sync.session_paused_timeout,
    },
    sessions: together
      ? createSyncSessions(store.sessions, { production })
      : createRemoteSyncSessions({ addresses: internal, timeoutMs: 5_000, production }),
    limits: store.limits,
    bus,
    addresses,
    clock,
    log,
  });
}

async function openStore(config: Config, world: World): Promise<Store> {
  const options = storeOptions(config, world);
  const { protocol } = new URL(config.store.url);
  if (protocol === 'memory:') return createMemoryStore(options);
  return openLowdbStore({ ...options, folder: config.store.url.replace(/^file:(\/\/)?/, '') });
}

function storeOptions(config: Config, { clock, log }: World): StoreOptions {
  return {
    clock,
    log,
    sessions: {
      // Long enough for a page to connect, and for a socket to renew it in time.
      openTtlMs: Math.max(60_000, 2 * config.sync.session_sleep_timeout),
      pausedTtlMs: config.sync.session_paused_timeout,
      pairedTtlMs: config.sync.session_paused_timeout,
      maxOpen: config.sync.max_sessions,
    },
    seeds: { activeMs: config.seeds.expiry, maxRegistered: config.seeds.max_registered },
  };
}

/** URLs for clients, for the other half in another process, and as bound; ports are read when asked. */
function serviceUrls(config: Config, ports: Record<ServiceName, number>) {
  const httpProtocol = config.api_ssl.crt === '' ? 'http' : 'https';
  const wsProtocol = config.websocket_ssl.crt === '' ? 'ws' : 'wss';
  const syncHost = (wsProtocol === 'wss' && config.websocket_ssl.host) || config.websocket.host;
  const reachable = (host: string, instead: () => string): string => (isWildcard(host) ? instead() : host);
  const addresses = (gatewayHost: () => string, syncHostOf: () => string): Addresses => ({
    gateway: () => serviceUrl(httpProtocol, gatewayHost(), ports.gateway),
    sync: () => serviceUrl(wsProtocol, syncHostOf(), ports.sync),
  });
  const local = () => '127.0.0.1';
  return {
    public: addresses(
      () => config.api.public_host || reachable(config.api.host, machineAddress),
      () => config.api.public_host || reachable(syncHost, machineAddress),
    ),
    internal: addresses(
      () => reachable(config.api.host, local),
      () => reachable(config.websocket.host, local),
    ),
    bound: addresses(
      () => config.api.host,
      () => config.websocket.host,
    ),
  };
}
