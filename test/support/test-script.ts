// Runs of scripts/test.mjs on test files that a test writes.

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type RunningProcess, startProcess } from './binary.ts';
import { temporaryFolder } from './folders.ts';

export interface Run {
  readonly running: RunningProcess;
  /** The folder of the test files. */
  readonly root: string;
  /** The folder of the run's temporary files. */
  readonly folder: string;
}

/** Runs the script on test files with the given texts, by name without `.test.ts`. */
export function startRun(files: Readonly<Record<string, string>>, more: readonly string[] = []): Run {
  const folder = temporaryFolder();
  const root = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, `${name}.test.ts`), text);
  const config = 'export default { test: { globals: true, testTimeout: 60_000, isolate: false } };';
  writeFileSync(join(root, 'vitest.config.mjs'), config);
  const args = ['--tests-only', '--root', root, '--config', join(root, 'vitest.config.mjs'), ...more];
  const running = startProcess(process.execPath, [resolve('scripts/test.mjs'), ...args], {
    cwd: root,
    env: { TMPDIR: folder },
  });
  return { running, root, folder };
}

/** The lines of the output so far. */
export const linesOf = ({ running }: Run): string[] => running.stdout().trimEnd().split('\n');
