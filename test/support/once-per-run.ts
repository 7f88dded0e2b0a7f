// What several files of tests need and none changes, made once in a run by the worker that needs it first.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { messageOf, systemErrorCode } from '../../src/errors.ts';
import { runFolderOf } from './run-folder.ts';

type Outcome<T> = { readonly value: T } | { readonly error: string };

/** Longer than anything takes to be made. */
const limitMs = 240_000;

/** The JSON value that `make` returns, which gets an empty folder. Rejects in all workers when it does. */
export async function oncePerRun<T>(name: string, make: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(runFolderOf(process.ppid), name);
  const file = join(folder, 'outcome.json');
  if (isFirst(folder)) {
    const outcome = await make(folder).then(
      (value): Outcome<T> => ({ value }),
      (error: unknown): Outcome<T> => ({ error: messageOf(error) }),
    );
    writeFileSync(`${file}.new`, JSON.stringify(outcome));
    renameSync(`${file}.new`, file);
  }
  const outcome: Outcome<T> = await vi.waitFor(() => JSON.parse(readFileSync(file, 'utf8')), {
    timeout: limitMs,
  });
  if ('error' in outcome) throw new Error(outcome.error);
  return outcome.value;
}

/** Only one worker makes the folder. */
function isFirst(folder: string): boolean {
  mkdirSync(dirname(folder), { recursive: true });
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
