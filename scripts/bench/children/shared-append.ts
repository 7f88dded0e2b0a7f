// Appends lines to a file durably: lines that arrive during a sync share the next one. Used by the baselines of C4, C6 and C7.

import { open } from 'node:fs/promises';

/** The function resolves once its line is on disk. */
export async function openSharedAppend(file: string): Promise<(line: string) => Promise<void>> {
  const handle = await open(file, 'a', 0o600);
  let waiting: string[] = [];
  let next: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const lines = waiting;
    waiting = [];
    next = undefined;
    await handle.appendFile(lines.join(''));
    await handle.datasync();
  };
  return (line) => {
    waiting.push(`${line}\n`);
    if (!next) {
      next = last.then(write);
      last = next;
    }
    return next;
  };
}
