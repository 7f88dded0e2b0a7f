// Builds the sync websocket server from the configuration.

import proxyAddr from '@fastify/proxy-addr';
import type { Config } from '../../config/schema.ts';
import type { Addresses } from '../../domain/addresses.ts';
import type { Bus, LimitStore, SyncSessions } from '../../domain/ports.ts';
import { createSyncServer, type SyncServer } from '../../sync/server.ts';
import { loadTls } from '../tls.ts';
import type { World } from './world.ts';

export interface SyncParts {
  readonly sessions: SyncSessions;
  readonly limits: LimitStore;
  readonly bus: Bus;
  readonly addresses: Addresses;
}

export async function buildSync(
  config: Config,
  { clock, log }: World,
  { sessions, limits, bus, addresses }: SyncParts,
): Promise<SyncServer> {
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
    sessions,
    limits,
    bus,
    addresses,
    clock,
    log,
  });
}
