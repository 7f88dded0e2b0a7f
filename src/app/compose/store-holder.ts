// Who has the store of a configuration open. Used by `swob status` and `swob doctor`.

import { resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { parseStoreUrl, type StoreUrl, shownStoreUrl } from '../../config/store-url.ts';
import type { Clock } from '../../domain/ports.ts';
import { errnoOf, messageOf, SwobError } from '../../errors.ts';
import { type LockHolder, lockHolder } from '../../store/lock.ts';

export interface StoreView {
  /** As the configuration has it, without a password. */
  readonly url: string;
  readonly kind: StoreUrl['kind'];
  /** Undefined unless the store is a folder. */
  readonly folder: string | undefined;
  readonly holder: LockHolder | undefined;
}

/** Takes nothing and writes nothing. Throws UNAVAILABLE when the folder is there and cannot be read. */
export async function viewStore({ store }: Config, clock: Clock): Promise<StoreView> {
  const parsed = parseStoreUrl(store.url);
  const { kind } = parsed;
  const url = shownStoreUrl(store.url);
  if (parsed.kind !== 'folder') return { url, kind, folder: undefined, holder: undefined };
  const { folder } = parsed;
  try {
    return { url, kind, folder: resolve(folder), holder: await lockHolder(folder, clock) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { url, kind, folder: resolve(folder), holder: undefined };
    throw new SwobError('UNAVAILABLE', `cannot look at the store ${folder}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
