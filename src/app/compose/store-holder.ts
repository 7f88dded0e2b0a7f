// Who has the store of a configuration open. Used by `swob status` and `swob doctor`.

import { resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { storeFolder } from '../../config/store-url.ts';
import type { Clock } from '../../domain/ports.ts';
import { errnoOf, messageOf, SwobError } from '../../errors.ts';
import { type LockHolder, lockHolder } from '../../store/lock.ts';

export interface StoreView {
  /** As the configuration has it. */
  readonly url: string;
  /** Undefined for memory:. */
  readonly folder: string | undefined;
  readonly holder: LockHolder | undefined;
}

/** Takes nothing and writes nothing. Throws UNAVAILABLE when the folder is there and cannot be read. */
export async function viewStore({ store }: Config, clock: Clock): Promise<StoreView> {
  const { url } = store;
  const folder = storeFolder(url);
  if (folder === undefined) return { url, folder, holder: undefined };
  try {
    return { url, folder: resolve(folder), holder: await lockHolder(folder, clock) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { url, folder: resolve(folder), holder: undefined };
    throw new SwobError('UNAVAILABLE', `cannot look at the store ${folder}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
