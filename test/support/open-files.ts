// The files that this process has open. For tests that none stays open: Node 26 ends a process in which an open file is collected as
// garbage.

import { readdirSync, readlinkSync } from 'node:fs';

/** Paths below the folder, without it; of `socket:` the numbers of sockets. */
export function openFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path.slice(folder.length)] : [];
    } catch {
      // The one of readdir itself.
      return [];
    }
  });
}
