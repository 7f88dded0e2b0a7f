// A disk that reads the files of a folder and keeps every change in memory, so that a store can be opened and read
// without a write. Used by open-folder.ts for `swob store import --dry-run`.

import { contentBytes } from './content.ts';
import { createDisk, type Disk } from './disk.ts';

export function createPreviewDisk(folder: string): Disk {
  const disk = createDisk(folder, () => {
    throw new TypeError('a preview must not write');
  });
  /** By name; undefined for a file that was removed. */
  const changed = new Map<string, Buffer | undefined>();

  const readBytes = async (name: string): Promise<Buffer | undefined> =>
    changed.has(name) ? changed.get(name) : disk.readBytes(name);
  const changedList = (name: string, onDisk: readonly string[]): string[] => {
    const names = new Set(onDisk);
    for (const [file, bytes] of changed) {
      const rest = file.startsWith(`${name}/`) ? file.slice(name.length + 1) : undefined;
      if (rest === undefined) continue;
      const [child = '', ...below] = rest.split('/');
      if (bytes) names.add(child);
      else if (below.length === 0) names.delete(child);
    }
    return [...names];
  };

  return {
    folder,
    pathOf: disk.pathOf,
    readBytes,
    readShared: readBytes,
    readNow: (name) => (changed.has(name) ? changed.get(name)?.toString() : disk.readNow(name)),
    version: async (name) => (changed.has(name) ? undefined : disk.version(name)),
    versionNow: (name) => (changed.has(name) ? undefined : disk.versionNow(name)),
    readRange: async (name, offset, length) =>
      changed.has(name)
        ? changed.get(name)?.subarray(offset, offset + length)
        : disk.readRange(name, offset, length),
    read: async (name) => (await readBytes(name))?.toString(),
    list: async (name) => changedList(name, await disk.list(name)),
    listNow: (name) => changedList(name, disk.listNow(name)),
    write: async (name, content) => {
      changed.set(name, contentBytes(content));
    },
    writeAll: async (files) => {
      for (const { name, text } of files) changed.set(name, Buffer.from(text));
    },
    syncFolder: async () => {},
    openAppend: async (name, length) => {
      const kept = (await readBytes(name))?.subarray(0, length) ?? Buffer.alloc(0);
      changed.set(name, kept);
      return {
        append: async (bytes) => {
          changed.set(name, Buffer.concat([changed.get(name) ?? Buffer.alloc(0), bytes]));
        },
        close: async () => {},
      };
    },
    move: async (name, newName) => {
      changed.set(newName, await readBytes(name));
      changed.set(name, undefined);
    },
    clearTemporary: async () => {},
    remove: async (name) => void changed.set(name, undefined),
  };
}
