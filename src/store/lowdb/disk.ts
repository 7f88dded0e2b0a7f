// Durable files of one folder: what `write` has resolved for survives a power cut. Used by the lowdb
// store only.

import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { errnoOf } from '../../errors.ts';
import { makeFolder, syncFolder } from '../../folders.ts';
import { diskError } from '../disk-error.ts';

export interface Disk {
  readonly folder: string;
  /** The whole path of a file in the folder, for messages. */
  pathOf(name: string): string;
  /** The file's text, or undefined when there is none. Throws UNAVAILABLE. */
  read(name: string): Promise<string | undefined>;
  /** Replaces the file (mode 0600, folders 0700); a failure leaves the earlier one. Throws UNAVAILABLE. */
  write(name: string, text: string | Iterable<string>): Promise<void>;
}

/** `mayWrite` throws when the folder is no longer ours. */
export function createDisk(folder: string, mayWrite: () => void): Disk {
  const folders = new Map<string, Promise<void>>();

  /** Made once for all who wait: none of them may rest on a folder that is not on disk yet. */
  const folderOf = (path: string): Promise<void> => {
    const made = folders.get(path) ?? makeFolder(path);
    folders.set(path, made);
    return made;
  };

  return {
    folder,
    pathOf: (name) => join(folder, name),

    read: async (name) => {
      try {
        return await readFile(join(folder, name), 'utf8');
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw diskError(`cannot read ${join(folder, name)}`, error);
      }
    },

    write: async (name, text) => {
      mayWrite();
      const file = join(folder, name);
      try {
        await folderOf(dirname(file));
        await writeFileAtomic(file, '', {
          mode: 0o600,
          // Not by its own write, which takes a short one for a whole one: on a full disk it puts half
          // a record in the place of a good one, and says nothing. Its fsync covers ours.
          tmpfileCreated: (temporary) => writeFile(temporary, text),
        });
        await syncFolder(dirname(file));
      } catch (error) {
        folders.delete(dirname(file));
        throw diskError(`cannot write ${file}`, error);
      }
    },
  };
}
