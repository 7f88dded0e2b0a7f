// Named pipes, which Node cannot make.

import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

/** Makes a named pipe in the folder, and returns its path. */
export function mkfifo(folder: string): string {
  const file = join(folder, `pipe-${randomUUID()}`);
  execFileSync('mkfifo', [file]);
  return file;
}
