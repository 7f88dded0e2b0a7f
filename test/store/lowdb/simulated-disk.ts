// A disk in memory that loses its power after a number of steps: what was not synced is lost, kept, or kept in part, as chance
// has it. For tests of the lowdb store.

import { dirname } from 'node:path';
import { SwobError } from '../../../src/errors.ts';
import { mapConcurrent } from '../../../src/lib/concurrency.ts';
import { contentBytes } from '../../../src/store/lowdb/content.ts';
import type { Disk } from '../../../src/store/lowdb/disk.ts';

export interface SimulatedDisk extends Disk {
  /** The files as they are without power; `choose` returns a number from 0 to `count` - 1. */
  imageAfterCut(choose: (count: number) => number): Map<string, Buffer>;
  readonly isCut: boolean;
  /** Syncs that a caller has waited for. */
  readonly syncs: number;
}

export interface SimulatedDiskOptions {
  readonly files?: ReadonlyMap<string, Buffer>;
  /** Operations and parts of them that succeed before the power is cut. */
  readonly steps?: number;
  /** Resolves when a sync is done. */
  readonly sync?: () => Promise<unknown>;
}

/** As on a real disk. */
const syncConcurrency = 3;

type Content = Buffer | undefined;

/** As the inode and times of a file: each write has its own, which it keeps through a power cut, also with the bytes of another one. */
const versions = new WeakMap<Buffer, number>();
let lastVersion = 0;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createSimulatedDisk({
  files = new Map(),
  steps = Number.POSITIVE_INFINITY,
  sync: waitForSync = nextTurn,
}: SimulatedDiskOptions = {}): SimulatedDisk {
  const current = new Map(files);
  /** What a file may be after a cut, besides what it is now; absent for a file that is synced. */
  const unsynced = new Map<string, Content[]>();
  let left = steps;
  let syncs = 0;

  const step = async (): Promise<void> => {
    await nextTurn();
    if (left-- <= 0) throw new SwobError('UNAVAILABLE', 'the power was cut');
  };
  const contentOf = (name: string): Content => current.get(name);
  const change = (name: string, content: Content, ...alternatives: Content[]): void => {
    unsynced.set(name, [...(unsynced.get(name) ?? []), contentOf(name), ...alternatives]);
    if (content) current.set(name, content);
    else current.delete(name);
  };
  const settle = async (name: string): Promise<void> => {
    await waitForSync();
    await step();
    syncs++;
    unsynced.delete(name);
  };
  /** Makes removals durable, too. */
  const settleFolder = async (folder: string): Promise<void> => {
    await waitForSync();
    await step();
    syncs++;
    for (const name of unsynced.keys())
      if (dirname(name) === folder && !current.has(name)) unsynced.delete(name);
  };
  const readBytes = async (name: string): Promise<Content> => {
    await step();
    return contentOf(name);
  };
  const versionOf = (name: string): number | undefined => {
    const content = contentOf(name);
    if (!content) return undefined;
    const version = versions.get(content) ?? ++lastVersion;
    versions.set(content, version);
    return version;
  };
  const namesIn = (folder: string): string[] => {
    const inside = [...current.keys()].filter((name) => name.startsWith(`${folder}/`));
    return [...new Set(inside.map((name) => name.slice(folder.length + 1).split('/')[0] ?? ''))];
  };
  /** A new file whose content may not be there, or only the beginning of it. */
  const writeUnsynced = async (name: string, text: string): Promise<void> => {
    await step();
    const bytes = Buffer.from(text);
    change(name, bytes, Buffer.alloc(0), bytes.subarray(0, bytes.length / 2), Buffer.alloc(bytes.length));
  };

  return {
    folder: '/simulated',
    pathOf: (name) => `/simulated/${name}`,
    readBytes,
    readShared: readBytes,
    version: async (name) => versionOf(name),
    versionNow: versionOf,
    readNow: (name) => contentOf(name)?.toString(),
    read: async (name) => (await readBytes(name))?.toString(),
    readRange: async (name, offset, length) => (await readBytes(name))?.subarray(offset, offset + length),
    list: async (folder) => {
      await step();
      return namesIn(folder);
    },
    listNow: namesIn,
    write: async (name, content) => {
      await step();
      change(name, contentBytes(content));
      await settle(name);
      await settleFolder(dirname(name));
    },
    writeAll: async (files) => {
      const names: string[] = [];
      for (const { name, text } of files) {
        await writeUnsynced(name, text);
        names.push(name);
      }
      for await (const _ of mapConcurrent(names, syncConcurrency, settle));
      const folders = new Set(names.map((name) => dirname(name)));
      for await (const _ of mapConcurrent(folders, syncConcurrency, settleFolder));
    },
    syncFolder: settleFolder,
    openAppend: async (name, length) => {
      await step();
      change(name, (contentOf(name) ?? Buffer.alloc(0)).subarray(0, length));
      await settle(name);
      await settleFolder(dirname(name));
      return {
        append: async (bytes) => {
          await step();
          const before = contentOf(name) ?? Buffer.alloc(0);
          const parts = [1, 2, 3].map((part) => bytes.subarray(0, (part * bytes.length) / 4));
          change(name, Buffer.concat([before, bytes]), ...parts.map((part) => Buffer.concat([before, part])));
          await settle(name);
        },
        close: async () => {},
      };
    },
    move: async (name, newName) => {
      await step();
      change(newName, contentOf(name));
      change(name, undefined);
      await settle(newName);
      await settleFolder(dirname(name));
    },
    clearTemporary: step,
    remove: async (name) => {
      await step();
      if (current.has(name)) change(name, undefined);
    },
    imageAfterCut: (choose) => {
      const image = new Map(current);
      for (const [name, alternatives] of unsynced) {
        const all = [contentOf(name), ...alternatives];
        const content = all[choose(all.length)];
        if (content) image.set(name, content);
        else image.delete(name);
      }
      return image;
    },
    get isCut() {
      return left <= 0;
    },
    get syncs() {
      return syncs;
    },
  };
}
