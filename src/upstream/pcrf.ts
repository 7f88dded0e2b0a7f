// The PCRF, which ends Wi-Fi sessions: one server, or several with failover. Used by the disconnect service.

import { createFailover, type HostHealth } from '../domain/wifi/failover.ts';
import { disconnectPath, sessionPath } from '../domain/wifi/pcrf-path.ts';
import type { BackendResult, Pcrf } from '../domain/wifi/ports.ts';
import type { PoolUsage } from './connection-pool.ts';
import { createPcrfServer, type PcrfPoolOptions, type PcrfServer } from './pcrf-server.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface SeveralServers extends PcrfPoolOptions {
  /** In the order in which they are called. */
  readonly servers: readonly Endpoint[];
  /** Calls another server also when one may have acted on the request. */
  readonly retriesUnsafe: boolean;
  /** Milliseconds that a server which has failed is passed over. */
  readonly pauseMs: number;
  /** Path of the query for a session, with placeholders; empty: none. */
  readonly sessionPath: string;
}

export type PcrfOptions = SeveralServers | (PcrfPoolOptions & Endpoint);

interface PcrfClient extends Pcrf {
  /** Of all servers together. */
  usage(): PoolUsage;
  /** Of each server, in their order. */
  states(): readonly HostHealth[];
}

/**
 * A client of the PCRF, whose responses are not documented: 2xx is success unless its JSON says otherwise. Throws
 * CONFIG when a host is not a host name or address.
 */
export function createPcrf(options: PcrfOptions): PcrfClient {
  const one = { retriesUnsafe: false, pauseMs: 0, sessionPath: '' };
  const { servers, retriesUnsafe, pauseMs, ...rest } =
    'servers' in options ? options : { ...one, ...options, servers: [options] };
  const isOneOfSeveral = servers.length > 1;
  const clients = new Map<string, PcrfServer>();
  for (const { host, port } of servers) {
    const client = createPcrfServer({ ...rest, host, port, isOneOfSeveral });
    clients.set(client.name, client);
  }
  const serverOf = (name: string): PcrfServer => {
    const server = clients.get(name);
    if (!server) throw new RangeError(`there is no server ${name}`);
    return server;
  };
  const failover = createFailover({
    hosts: [...clients.keys()],
    pauseMs,
    waitMs: options.pool.waitTimeoutMs,
    timeoutMs: options.timeoutMs,
    clock: options.clock,
  });

  return {
    name: 'pcrf',
    disconnect: async (session) => {
      const path = disconnectPath(session);
      if (path === undefined) return badSession;
      const { host, value, earlier, sent } = await failover.run(
        (name, limits) => serverOf(name).disconnect(path, limits),
        { repeats: retriesUnsafe },
      );
      if (!isOneOfSeveral) return value;
      const reasons = earlier.flatMap((each) => ('reason' in each ? [each.reason] : []));
      const details = { host, attempts: sent, ...(reasons.length > 0 && { failedHosts: reasons }) };
      if (value.kind === 'disconnected') return { ...value, ...details };
      return { ...value, ...details, reason: [...reasons, value.reason].join('; ') };
    },
    query: async (session, withinMs) => {
      const path = sessionPath(rest.sessionPath, session);
      if (path === undefined) return { presence: 'unknown', reason: badSession.reason };
      // A query changes nothing, so that it may be repeated.
      const { value } = await failover.run((name, limits) => serverOf(name).query(path, limits), {
        repeats: true,
        withinMs,
      });
      return value;
    },
    usage: () => sum([...clients.values()].map(({ usage }) => usage())),
    states: () => failover.states(),
    close: async (deadline) => {
      const interrupted = await Promise.all([...clients.values()].map((client) => client.close(deadline)));
      return interrupted.reduce((total, each) => total + each, 0);
    },
  };
}

const badSession = {
  kind: 'bad session',
  reason: 'a value of the session is not well-formed text',
} as const satisfies BackendResult;

function sum(usages: readonly PoolUsage[]): PoolUsage {
  const of = (name: keyof PoolUsage): number => usages.reduce((total, usage) => total + usage[name], 0);
  return { inUse: of('inUse'), idle: of('idle'), waiting: of('waiting') };
}
