// Processes that the tests start.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

/** Kills a process, also a frozen one, and waits until it has exited. */
export async function endChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Longer than any system takes. */
const haltMs = 5_000;

/** Freezes a process. On Linux it returns once all threads are stopped, which takes a moment. */
export function freezeProcess(child: ChildProcess): void {
  child.kill('SIGSTOP');
  const end = performance.now() + haltMs;
  let running = true;
  while (running && performance.now() < end)
    running = threadStates(child.pid).some((state) => /[RSD]/.test(state));
}

/** The state of each thread as in proc(5); none on other systems. */
function threadStates(pid: number | undefined): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(
      (thread) => /\) (\w) /.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))?.[1] ?? '',
    );
  } catch {
    return [];
  }
}
