// Opens the store that the configuration names.

import type { Config } from '../../config/schema.ts';
import { storeFolder } from '../../config/store-url.ts';
import type { Store } from '../../domain/ports.ts';
import { openLowdbStore } from '../../store/lowdb/store.ts';
import { createMemoryStore } from '../../store/memory/store.ts';
import type { StoreOptions } from '../../store/options.ts';
import type { World } from './world.ts';

/** Without `keeps` nothing outlives the process: rate limits are all that the service needs. */
export async function openStore(config: Config, world: World, keeps: boolean): Promise<Store> {
  const options = storeOptions(config, world);
  const folder = storeFolder(config.store.url);
  if (!keeps || folder === undefined) return createMemoryStore(options);
  return openLowdbStore({ ...options, folder });
}

function storeOptions(config: Config, { clock, log }: World): StoreOptions {
  return {
    clock,
    log,
    sessions: {
      // Long enough for a page to connect, and for a socket to renew it in time.
      openTtlMs: Math.max(120_000, 4 * config.sync.session_sleep_timeout),
      pausedTtlMs: config.sync.session_paused_timeout,
      pairedTtlMs: config.sync.session_paused_timeout,
      maxOpen: config.sync.max_sessions,
    },
    seeds: { activeMs: config.seeds.expiry, maxRegistered: config.seeds.max_registered },
  };
}
