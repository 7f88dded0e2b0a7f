// Builds the sync websocket server from the configuration.

import proxyAddr from '@fastify/proxy-addr';
import type { Config } from '../../config/schema.ts';
import type { Bus } from '../../domain/pairing/ports.ts';
import type { SyncSessions } from '../../domain/pairing/sync-ports.ts';
import type { LimitStore } from '../../domain/shared/ports.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import type { Store } from '../../domain/store.ts';
import { createSyncServer, type SyncServer } from '../../sync/server.ts';
import { watchCertificate } from '../tls.ts';
import type { Runtime } from './context.ts';
import { createMonitoring, syncChecks } from './health.ts';

export interface SyncParts {
  readonly sessions: SyncSessions;
  readonly limits: LimitStore;
  readonly bus: Bus;
  readonly addresses: ServiceUrls;
  /** The required dependency: the store, or the URL of a gateway in another process. */
  readonly needs: { readonly store: Store } | { readonly gateway: string };
}

export async function buildSync(
  config: Config,
  runtime: Runtime,
  { sessions, limits, bus, addresses, needs }: SyncParts,
): Promise<SyncServer> {
  const { clock, log } = runtime;
  const isTrusted = proxyAddr.compile([...config.api.trusted_proxies]);
  return createSyncServer({
    host: config.websocket.host,
    port: config.websocket.port,
    overloadGuard: runtime.overloadGuard,
    connectionLimiter: runtime.connectionLimiter,
    tls: await watchCertificate('websocket_ssl', config.websocket_ssl, runtime),
    state: config.api.state,
    origins: config.api.origins,
    pageOrigin: config.console.pairing ? () => new URL(addresses.gateway()).origin : undefined,
    addressOf: (request) => proxyAddr(request, isTrusted),
    requestTimeoutMs: config.api.request_timeout,
    maxConnections: Math.min(config.sync.max_connections, runtime.connectionLimiter.maxUpgraded),
    socketLimit: config.limits.sessions,
    socketOptions: {
      changeLimit: config.sync.session_change_limit,
      sleepMs: config.sync.session_sleep_timeout,
      pausedMs: config.sync.session_paused_timeout,
    },
    createMonitoring: (openSockets) => {
      runtime.metrics.sockets(openSockets);
      return createMonitoring(config, runtime, 'sync', syncChecks(config, needs, openSockets));
    },
    sessions,
    limits,
    bus,
    addresses,
    clock,
    log,
  });
}
