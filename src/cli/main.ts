// The entry point of bin/swob. It answers `swob --version` alone, because importing the program of all commands takes a third of
// Node's own start.

import { writeSync } from 'node:fs';
import { version } from './version.ts';

const stdoutFd = 1;
const unfinished = 70;

/** Runs one command line (without node and script) and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const [option = '', ...others] = argv;
  const isVersion = (option === '--version' || option === '-V') && others.length === 0;
  if (isVersion && isWritten(`${version}\n`)) return;
  // Node ends when nothing is left to wait for, even if the command has not ended.
  process.exitCode = unfinished;
  process.once('beforeExit', reportUnfinished);
  try {
    const { runProcess } = await import('./run.ts');
    await runProcess(argv);
  } finally {
    process.removeListener('beforeExit', reportUnfinished);
  }
}

function reportUnfinished(): void {
  process.stderr.write(
    'swob: internal error, please report it as a bug in swob: the command stopped without a result\n',
  );
}

/** False when the output is closed, full or busy: the program tries again, and reports it as for every command. */
function isWritten(text: string): boolean {
  try {
    return writeSync(stdoutFd, text) === Buffer.byteLength(text);
  } catch {
    return false;
  }
}
