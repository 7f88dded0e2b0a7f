// The adapter of `[store] url = file:<folder>`.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { messageOf, SwobError, systemErrorCode } from '../../errors.ts';
import type { StoreAdapter, StoreKind } from '../adapter.ts';
import type { LockHolder } from '../lock/lock.ts';
import { parseFolderUrl } from './url.ts';

export const lowdbKind: StoreKind = {
  name: 'a folder',
  form: 'file:<folder> such as file:./data, file:///<absolute folder> with %20 for a space',
  matches: (url) => url.startsWith('file:'),
  checkUrl: parseFolderUrl,
  ownKeys: [],
  settingErrors: () => [],
  createAdapter: createLowdbAdapter,
};

function createLowdbAdapter({ store }: Config): StoreAdapter {
  const folder = resolve(parseFolderUrl(store.url));
  const findHolder = async (clock: Clock): Promise<LockHolder | undefined> => {
    const { readLockHolder } = await import('../lock/lock.ts');
    try {
      return await readLockHolder(folder, clock);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw new SwobError('UNAVAILABLE', `cannot read the store ${folder}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
  return {
    isShared: false,
    folder,
    configuredFiles: [],
    open: async (options) => {
      const { openLowdbStore } = await import('./store.ts');
      const store = await openLowdbStore({ ...options, folder });
      return { store, embedded: store };
    },
    openArchive: async (options, purpose) => {
      // Without this, a mistyped path would produce an empty backup of an empty folder.
      if (purpose === 'export') await requireStore(folder);
      const { openLowdbArchive } = await import('./archive.ts');
      return openLowdbArchive({ ...options, folder, preview: purpose === 'preview' });
    },
    findHolder,
    inspect: async (context) => {
      const { inspectFolder } = await import('./inspect.ts');
      return inspectFolder(folder, () => findHolder(context.clock), context);
    },
  };
}

async function requireStore(folder: string): Promise<void> {
  try {
    await stat(join(folder, 'meta.json'));
  } catch (error) {
    const isAbsent = systemErrorCode(error) === 'ENOENT';
    const [reason, remedy] = isAbsent
      ? ['no meta.json there', 'set [store] url to the folder of the store']
      : [messageOf(error), 'run the command as the user of the service'];
    throw new SwobError('CONFIG', `${folder} is not a store that swob can read (${reason}); ${remedy}`);
  }
}
