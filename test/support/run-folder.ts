// The folder for what the workers of a run of vitest share. Used by once-per-run.ts and browser.ts; a globalSetup of vitest.config.ts, which removes it
// at the end of the run.

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param pid of vitest's main process */
export function runFolderOf(pid: number): string {
  return join(tmpdir(), `swob-run-of-${pid}`);
}

/** Called in the main process. */
export function teardown(): void {
  rmSync(runFolderOf(process.pid), { recursive: true, force: true });
}
