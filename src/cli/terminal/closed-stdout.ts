// Detects that the reader of stdout is gone while there is nothing to write (`swob sync qr … --json | head -1`).
// Used by run.ts.

import { fstatSync } from 'node:fs';

const stdoutFd = 1;
/** Commands that end sooner are not watched. */
const graceMs = 300;

/**
 * Calls `onGone` once when stdout is a pipe whose reader has closed it. Returns a function that stops watching.
 *
 * Node cannot poll the writing end of a pipe and notices only when it writes. GNU tail polls it and then dies of SIGPIPE;
 * any other exit, such as that of another tail or setpriv, is ignored.
 */
export function watchStdout(onGone: () => void): () => void {
  if (!isPipe()) return () => undefined;
  let stopped = false;
  let stopTail = (): void => undefined;
  const timer = setTimeout(async () => {
    const { spawn } = await import('node:child_process');
    if (stopped) return;
    // tail exits together with this process: the kernel ends it, or tail itself once the parent of this process has reaped it.
    const args = ['tail', '-f', '/dev/null', '-s', '0.2', `--pid=${process.pid}`];
    const tail = spawn('setpriv', ['--pdeathsig', 'TERM', ...args], {
      stdio: ['ignore', 'inherit', 'ignore'],
    });
    tail.unref();
    tail.on('error', () => undefined);
    tail.once('exit', (_code, signal) => {
      if (signal === 'SIGPIPE') onGone();
    });
    stopTail = () => void tail.removeAllListeners('exit').kill();
  }, graceMs);
  timer.unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stopTail();
  };
}

function isPipe(): boolean {
  try {
    return fstatSync(stdoutFd).isFIFO();
  } catch {
    return false;
  }
}
