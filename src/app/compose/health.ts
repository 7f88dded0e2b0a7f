// What each service depends on, as checks of `/readyz`, and what it tells operators. Used by the files that build the
// services.

import { access, constants } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import { storeFolder } from '../../config/store-url.ts';
import { upstreamUrl } from '../../domain/addresses.ts';
import type { Store } from '../../domain/ports.ts';
import { createNetworks } from '../../http/networks.ts';
import type { Operations } from '../../http/operations.ts';
import { type Check, createReadiness, type Reason } from '../../http/readiness.ts';
import { diskSpaceOf } from '../../store/disk-space.ts';
import { connectOnce, type Endpoint, endpointOf } from '../../upstream/reachable.ts';
import type { ServiceName, Workshop } from './world.ts';

/** A durable write is not asked of the disk more often. */
const storeFreshMs = 5_000;
/** Share of the outbox at which operators should know. */
const fillingShare = 0.9;

/** What a service tells operators; `checks` besides its event loop. */
export function createOperations(
  config: Config,
  { clock, version, instruments }: Workshop,
  service: ServiceName,
  checks: readonly Check[],
): Operations {
  const startedAt = clock.monotonic();
  return {
    service,
    version,
    uptime: () => (clock.monotonic() - startedAt) / 1_000,
    served: instruments.served(service),
    readiness: createReadiness([eventLoop, ...checks], clock),
    mayReadMetrics: createNetworks(config.metrics.allow, '[metrics] allow'),
    metrics: instruments.text,
  };
}

/** Slow when a turn takes longer than a check may. */
const eventLoop: Check = {
  name: 'event_loop',
  required: true,
  look: () => new Promise((resolve) => setImmediate(() => resolve('ok'))),
};

/** The store is what the gateway cannot do without: whatever else is away, what comes in is kept. */
export function gatewayChecks(
  config: Config,
  store: Store,
  brokerState: (() => 'ok' | Reason) | undefined,
): Check[] {
  const { user_management_api: users, dev_api, backend_publisher, publisher, broker } = config;
  const checks = [
    storeCheck(store),
    ...diskChecks(config),
    outboxCheck('outbox', store.inbound, config.publisher.max_kept),
    reach('users', endpointOf(users.verification_url), false),
    reach('developer_api', endpointOf(dev_api.authentication_url), false),
    reach('backend', endpointOf(upstreamUrl(backend_publisher)), false),
    reach('publisher', endpointOf(upstreamUrl(publisher)), false),
  ];
  if (brokerState) {
    checks.push(
      { name: 'broker', required: false, look: async () => brokerState() },
      outboxCheck('callbacks', store.callbacks, config.outgoing.max_callbacks),
    );
  }
  if (broker.management_url !== '')
    checks.push(reach('broker_management', endpointOf(broker.management_url), false));
  return checks;
}

export function syncChecks(
  config: Config,
  needs: { readonly store: Store } | { readonly gateway: string },
  openSockets: () => number,
): Check[] {
  const max = config.sync.max_connections;
  return [
    'store' in needs ? storeCheck(needs.store) : reach('gateway', endpointOf(needs.gateway), true),
    { name: 'sockets', required: true, look: async () => (openSockets() < max ? 'ok' : 'full') },
  ];
}

export function disconnectChecks({ pcrf, validation }: Config, store: Store): Check[] {
  const checks = [reach('pcrf', pcrf, true)];
  // Its limits and its work under way are there; one of its own needs no looking at.
  if (store.flights) checks.push(storeCheck(store));
  if (validation.algorithms.some((algorithm) => algorithm !== 'HS256')) {
    // The last good key stays in use; a restart would find none.
    checks.push({
      name: 'key',
      required: false,
      look: () =>
        access(validation.public_key, constants.R_OK).then(
          () => 'ok' as const,
          () => 'stale' as const,
        ),
    });
  }
  return checks;
}

function storeCheck(store: Store): Check {
  // One that other processes share is another system's, which can be away.
  const isRemote = store.flights !== undefined;
  return {
    name: 'store',
    required: true,
    ...(!isRemote && { freshMs: storeFreshMs }),
    look: () =>
      store.probe().then(
        () => 'ok',
        () => (isRemote ? 'unreachable' : 'failed'),
      ),
  };
}

function diskChecks(config: Config): Check[] {
  const folder = storeFolder(config.store.url);
  if (folder === undefined) return [];
  const look = async () => ((await diskSpaceOf(folder)).low ? 'low' : 'ok');
  return [{ name: 'disk', required: false, freshMs: storeFreshMs, look }];
}

function outboxCheck(name: string, outbox: Store['inbound'] | Store['callbacks'], max: number): Check {
  return {
    name,
    required: false,
    look: async () => {
      const { waiting, failed } = await outbox.count();
      const used = waiting + failed;
      if (used >= max) return 'full';
      return used >= fillingShare * max ? 'filling' : 'ok';
    },
  };
}

function reach(name: string, endpoint: Endpoint, required: boolean): Check {
  return {
    name,
    required,
    look: (signal) =>
      connectOnce(endpoint, signal).then(
        () => 'ok' as const,
        () => 'unreachable' as const,
      ),
  };
}
