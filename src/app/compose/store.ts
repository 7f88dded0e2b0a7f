// Opens the store that the configuration names.

import type { Config } from '../../config/schema.ts';
import { parseStoreUrl } from '../../config/store-url.ts';
import { openLowdbStore } from '../../store/lowdb/store.ts';
import { createMemoryStore } from '../../store/memory/store.ts';
import type { StoreOptions } from '../../store/options.ts';
import type { OpenedStore, World } from './world.ts';

/** A developer's request that is sent again within this time gets the answer that it had. */
const rememberAnswersMs = 86_400_000;
/** Answers that are remembered for that; the oldest give way. */
const maxAnswers = 10_000;
/** An answer to a request of 1,000 bad numbers has 150,000. */
const maxAnswerCharacters = 16 * 1024 * 1024;

/** Without `keeps` nothing outlives the process: rate limits are all that the service needs. */
export async function openStore(config: Config, world: World, keeps: boolean): Promise<OpenedStore> {
  const options = storeOptions(config, world);
  const url = parseStoreUrl(config.store.url);
  if (url.kind === 'redis') return (await import('./redis.ts')).openRedis(config, url, options);
  if (!keeps || url.kind === 'memory') return { store: createMemoryStore(options) };
  return { store: await openLowdbStore({ ...options, folder: url.folder }) };
}

export function storeOptions(config: Config, { clock, log }: Pick<World, 'clock' | 'log'>): StoreOptions {
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
    inbound: { max: config.publisher.max_kept },
    published: { rememberMs: config.publisher.dedupe_window, max: config.publisher.max_remembered },
    callbacks: { max: config.outgoing.max_callbacks },
    answers: {
      rememberMs: rememberAnswersMs,
      max: maxAnswers,
      maxCharacters: maxAnswerCharacters,
    },
  };
}
