// Processes that the tests start.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Ends it at once, also a frozen one, and waits until it is gone. */
export async function endChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
