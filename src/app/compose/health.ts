// The dependencies of each service as checks of `/readyz`, and its monitoring routes. Used by the files that build the
// services.

import { access, constants } from 'node:fs/promises';
import { usesNas } from '../../config/nas-keys.ts';
import { pcrfServers } from '../../config/pcrf-keys.ts';
import type { Config } from '../../config/schema.ts';
import type { CallHealth } from '../../domain/inbound/call-health.ts';
import { upstreamUrl } from '../../domain/shared/urls.ts';
import type { Store } from '../../domain/store.ts';
import { createIpMatcher } from '../../http/ip-matcher.ts';
import type { Monitoring } from '../../http/monitoring.ts';
import { createReadiness, type ReadinessCheck } from '../../http/readiness.ts';
import { diskSpaceOf } from '../../lib/disk-space.ts';
import { bracketHost } from '../../lib/net.ts';
import { type Endpoint, endpointOf, probeTcp } from '../../upstream/tcp-probe.ts';
import type { Runtime, ServiceName } from './context.ts';
import type { Messaging } from './messaging.ts';
import { isRelayOnly, relayUrl } from './relay.ts';
import { storeAdapterOf } from './store-adapters.ts';

/** The probe writes durably, so its result is cached. */
const storeCacheMs = 5_000;
/** From this share of a limit on, the check reports `filling`. */
const nearlyFullShare = 0.9;

/** The monitoring of a service; every service has the check of its event loop. */
export function createMonitoring(
  config: Config,
  { clock, version, metrics, health, worker }: Runtime,
  service: ServiceName,
  checks: readonly ReadinessCheck[],
): Monitoring {
  const startedAt = clock.monotonic();
  const readiness = createReadiness([eventLoop, ...checks], clock);
  health.addReadiness(service, readiness);
  return {
    service,
    version,
    uptime: () => (clock.monotonic() - startedAt) / 1_000,
    recordRequest: metrics.requestCounter(service),
    readiness: worker ? () => worker.readiness(service, readiness) : readiness,
    mayReadMetrics: createIpMatcher(config.metrics.allow, '[metrics] allow'),
    metrics: worker ? worker.metrics : metrics.text,
  };
}

/** Times out when one turn of the event loop takes longer than a check may. */
const eventLoop: ReadinessCheck = {
  name: 'event_loop',
  required: true,
  run: () => new Promise((resolve) => setImmediate(() => resolve('ok'))),
};

/** Only the store is required: without the other systems, inbound SMS are kept for later delivery. */
export function gatewayChecks(
  config: Config,
  store: Store,
  { outgoing: { brokerState, passedOverRoutes }, callHealth }: Pick<Messaging, 'outgoing' | 'callHealth'>,
): ReadinessCheck[] {
  const { user_management_api: users, dev_api, backend_publisher, publisher, broker } = config;
  const relay = relayUrl(config);
  const checks = [
    storeCheck(config, store),
    ...diskChecks(config),
    seedsCheck(store, config.seeds.max_registered),
    outboxCheck('outbox', store.inbound, config.publisher.max_kept),
  ];
  if (relay !== undefined) checks.push(upstreamCallCheck('relay', endpointOf(relay), callHealth));
  // Where every SMS is relayed, nobody pairs, and only developers of outgoing SMS sign in.
  if (!isRelayOnly(config)) {
    checks.push(
      reachabilityCheck('users', endpointOf(users.verification_url), false),
      upstreamCallCheck('backend', endpointOf(upstreamUrl(backend_publisher)), callHealth),
      upstreamCallCheck('publisher', endpointOf(upstreamUrl(publisher)), callHealth),
    );
  }
  if (!isRelayOnly(config) || broker.url !== '')
    checks.push(reachabilityCheck('developer_api', endpointOf(dev_api.authentication_url), false));
  if (brokerState) {
    checks.push(
      { name: 'broker', required: false, run: async () => brokerState() },
      {
        name: 'phones',
        required: false,
        run: async () => (passedOverRoutes().length > 0 ? 'failing' : 'ok'),
      },
      outboxCheck('callbacks', store.callbacks, config.outgoing.max_callbacks),
      outboxCheck('waiting_sms', store.waitingSms, config.outgoing.max_waiting),
    );
  }
  if (broker.management_url !== '')
    checks.push(reachabilityCheck('broker_management', endpointOf(broker.management_url), false));
  return checks;
}

export function syncChecks(
  config: Config,
  needs: { readonly store: Store } | { readonly gateway: string },
  openSockets: () => number,
): ReadinessCheck[] {
  const max = config.sync.max_connections;
  return [
    'store' in needs
      ? storeCheck(config, needs.store)
      : reachabilityCheck('gateway', endpointOf(needs.gateway), true),
    { name: 'sockets', required: true, run: async () => (openSockets() < max ? 'ok' : 'full') },
  ];
}

export function disconnectChecks(config: Config, store: Store): ReadinessCheck[] {
  const { disconnect, pcrf, nas, validation } = config;
  const checks = disconnect.backend === 'radius' ? [] : pcrfChecks(pcrfServers(pcrf));
  // No probe of the NAS themselves: a Disconnect port answers nothing but requests about sessions.
  if (usesNas(config))
    checks.push(readableCheck('nas_secrets', [...new Set(nas.map(({ secret_file }) => secret_file))]));
  // A shared store holds limits and leases. A local one is in memory and cannot fail.
  if (store.shared) checks.push(storeCheck(config, store));
  if (validation.algorithms.some((algorithm) => algorithm !== 'HS256')) {
    checks.push(readableCheck('key', [validation.public_key]));
  }
  return checks;
}

/** One of several servers is enough; each has a check besides. */
function pcrfChecks(servers: readonly Endpoint[]): ReadinessCheck[] {
  const [only, ...others] = servers;
  if (only && others.length === 0) return [reachabilityCheck('pcrf', only, true)];
  const each = servers.map((server) =>
    reachabilityCheck(`pcrf ${bracketHost(server.host)}:${server.port}`, server, false),
  );
  const any: ReadinessCheck = {
    name: 'pcrf',
    required: true,
    run: (signal) =>
      Promise.any(servers.map((server) => probeTcp(server, signal))).then(
        () => 'ok' as const,
        () => 'unreachable' as const,
      ),
  };
  return [any, ...each];
}

/** Not required: the last good content stays in use, but a restart would fail. */
function readableCheck(name: string, files: readonly string[]): ReadinessCheck {
  return {
    name,
    required: false,
    run: () =>
      Promise.all(files.map((file) => access(file, constants.R_OK))).then(
        () => 'ok' as const,
        () => 'stale' as const,
      ),
  };
}

function storeCheck(config: Config, store: Store): ReadinessCheck {
  // A remote system can be unreachable; workers share the store of their primary process, which is none.
  const isRemote = storeAdapterOf(config).isShared;
  return {
    name: 'store',
    required: true,
    ...(!isRemote && { cacheMs: storeCacheMs }),
    run: () =>
      store.probe().then(
        () => 'ok',
        () => (isRemote ? 'unreachable' : 'failed'),
      ),
  };
}

function diskChecks(config: Config): ReadinessCheck[] {
  const { folder } = storeAdapterOf(config);
  if (folder === undefined) return [];
  const look = async () => ((await diskSpaceOf(folder)).low ? 'low' : 'ok');
  return [{ name: 'disk', required: false, cacheMs: storeCacheMs, run: look }];
}

/** `full` means that new seeds evict the oldest ones: the limit is too low, or forged pings fill the store. */
function seedsCheck({ seeds }: Store, max: number): ReadinessCheck {
  return {
    name: 'seeds',
    required: false,
    run: async () => {
      const { registered } = await seeds.usage();
      if (registered >= max) return 'full';
      return registered >= nearlyFullShare * max ? 'filling' : 'ok';
    },
  };
}

function outboxCheck(name: string, outbox: Pick<Store['inbound'], 'count'>, max: number): ReadinessCheck {
  return {
    name,
    required: false,
    run: async () => {
      const { waiting, deadLetters } = await outbox.count();
      const used = waiting + deadLetters;
      if (used >= max) return 'full';
      return used >= nearlyFullShare * max ? 'filling' : 'ok';
    },
  };
}

function reachabilityCheck(name: string, endpoint: Endpoint, required: boolean): ReadinessCheck {
  return {
    name,
    required,
    run: (signal) =>
      probeTcp(endpoint, signal).then(
        () => 'ok' as const,
        () => 'unreachable' as const,
      ),
  };
}

/** A system can accept connections and still refuse every call. */
function upstreamCallCheck(
  name: CallHealth['name'],
  endpoint: Endpoint,
  callHealth: () => readonly CallHealth[],
): ReadinessCheck {
  const reachability = reachabilityCheck(name, endpoint, false);
  const isFailing = (): boolean => callHealth().some((calls) => calls.name === name && calls.failures > 0);
  return {
    ...reachability,
    run: async (signal) => {
      const verdict = await reachability.run(signal);
      return verdict === 'ok' && isFailing() ? 'failing' : verdict;
    },
  };
}
