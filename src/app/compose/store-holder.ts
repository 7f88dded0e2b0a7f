// Who has the store of a configuration open. Used by `swob status`.

import type { Config } from '../../config/schema.ts';
import { redactStoreUrl } from '../../config/store-url.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import type { LockHolder } from '../../store/lock/lock.ts';
import { storeAdapterOf } from './store-adapters.ts';

export interface StoreInspection {
  /** As configured, without a password. */
  readonly url: string;
  /** What to report where no process can hold the store for itself. */
  readonly summary: string | undefined;
  /** Undefined unless the store is a folder. */
  readonly folder: string | undefined;
  readonly holder: LockHolder | undefined;
}

/** Takes nothing and writes nothing. Throws UNAVAILABLE when the folder is there and cannot be read. */
export async function inspectStore(config: Config, clock: Clock): Promise<StoreInspection> {
  const { summary, folder, findHolder } = storeAdapterOf(config);
  return { url: redactStoreUrl(config.store.url), summary, folder, holder: await findHolder(clock) };
}
