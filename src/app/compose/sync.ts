// Builds the sync websocket server from the configuration.

import proxyAddr from '@fastify/proxy-addr';
import type { Config } from '../../config/schema.ts';
import type { Addresses } from '../../domain/addresses.ts';
import type { Bus, LimitStore, Store, SyncSessions } from '../../domain/ports.ts';
import { createSyncServer, type SyncServer } from '../../sync/server.ts';
import { watchCertificate } from '../tls.ts';
import { createOperations, syncChecks } from './health.ts';
import type { Workshop } from './world.ts';

export interface SyncParts {
  readonly sessions: SyncSessions;
  readonly limits: LimitStore;
  readonly bus: Bus;
  readonly addresses: Addresses;
  /** What it cannot do without: the store, or the URL of a gateway in another process. */
  readonly needs: { readonly store: Store } | { readonly gateway: string };
}

export async function buildSync(
  config: Config,
  world: Workshop,
  { sessions, limits, bus, addresses, needs }: SyncParts,
): Promise<SyncServer> {
  const { clock, log } = world;
  const isTrusted = proxyAddr.compile([...config.api.trusted_proxies]);
  return createSyncServer({
    host: config.websocket.host,
    port: config.websocket.port,
    pressure: world.pressure,
    tls: await watchCertificate('websocket_ssl', config.websocket_ssl, world),
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
    operations: (openSockets) => {
      world.instruments.sockets(openSockets);
      return createOperations(config, world, 'sync', syncChecks(config, needs, openSockets));
    },
    sessions,
    limits,
    bus,
    addresses,
    clock,
    log,
  });
}
