// The bounds of the configuration that each process keeps for itself, divided among the workers of `swob serve --workers`, so that they
// hold for all workers together. What is counted in the store, such as rate limits, needs no division. Used by worker.ts and `swob serve`.

import type { Config } from '../../config/schema.ts';
import { SwobError } from '../../errors.ts';
import type { ServiceName } from '../compose/context.ts';

/** The configuration of one worker. */
export function divideBounds(config: Config, workers: number): Config {
  const share = (bound: number): number => shareOf(bound, workers);
  const { sync, overload, console, logging, 'pcrf.pool': pool } = config;
  const { max_repeats: repeats } = logging;
  return {
    ...config,
    sync: { ...sync, max_connections: share(sync.max_connections) },
    overload: { ...overload, max_bodies: share(overload.max_bodies) },
    console: { ...console, max_clients: share(console.max_clients) },
    logging: {
      ...logging,
      max_repeats: repeats === 'off' ? repeats : { ...repeats, count: share(repeats.count) },
    },
    'pcrf.pool': {
      ...pool,
      min: Math.min(share(pool.max), Math.ceil(pool.min / workers)),
      max: share(pool.max),
    },
  };
}

/** The part of one worker, so that all together never exceed the bound; see `maxWorkers`. */
export function shareOf(bound: number, workers: number): number {
  return Math.max(1, Math.floor(bound / workers));
}

/** The most workers among which the bounds of the configuration can be divided, and the key of the smallest bound. */
function maxWorkers(config: Config, services: ReadonlySet<ServiceName>): { key: string; bound: number } {
  const { sync, console, 'pcrf.pool': pool } = config;
  const bounds = [
    ...(services.has('sync') ? [{ key: '[sync] max_connections', bound: sync.max_connections }] : []),
    ...(services.has('gateway') && console.enabled
      ? [{ key: '[console] max_clients', bound: console.max_clients }]
      : []),
    ...(services.has('disconnect') ? [{ key: '[pcrf.pool] max', bound: pool.max }] : []),
  ];
  return bounds.reduce((least, each) => (each.bound < least.bound ? each : least), {
    key: 'the connections to the Publisher',
    bound: 64,
  });
}

/** How many workers to run. Throws CONFIG for more than the bounds allow; `auto` then takes fewer than there are cores. */
export function workersFor(
  requested: number | 'auto',
  { config, services, cores }: { config: Config; services: ReadonlySet<ServiceName>; cores: number },
): number {
  const { key, bound } = maxWorkers(config, services);
  if (requested === 'auto') return Math.min(cores, bound);
  if (requested > bound)
    throw new SwobError(
      'CONFIG',
      `--workers ${requested}: ${key} = ${bound} cannot be divided among so many; raise it, or run fewer workers`,
    );
  return requested;
}
