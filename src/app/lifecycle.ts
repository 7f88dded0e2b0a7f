// Start and stop: each resource leaves its disposer as it opens; they run last in, first out, also when a
// start fails half way. The first signal stops gracefully, a second one or the deadline forces.

import { isatty } from 'node:tty';
import type { Log } from '../domain/ports.ts';
import { messageOf } from '../errors.ts';

export interface Lifecycle {
  /** `dispose` runs once, after those that were deferred later. */
  defer(name: string, dispose: () => Promise<void> | void): void;
  /** Runs every disposer; idempotent. A disposer that fails is logged and does not keep the others. */
  stop(): Promise<void>;
}

export function createLifecycle(log: Log): Lifecycle {
  const disposers: { name: string; dispose: () => Promise<void> | void }[] = [];
  let stopped: Promise<void> | undefined;

  const runAll = async (): Promise<void> => {
    for (let next = disposers.pop(); next; next = disposers.pop()) {
      try {
        await next.dispose();
      } catch (error) {
        log.error({ resource: next.name, error: messageOf(error) }, 'could not be closed cleanly');
      }
    }
  };
  return {
    defer: (name, dispose) => void disposers.push({ name, dispose }),
    stop: () => {
      stopped ??= runAll();
      return stopped;
    },
  };
}

/** How long a graceful stop may take. */
const deadlineMs = 10_000;

const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof signals;

/**
 * Waits for SIGINT or SIGTERM, or a SIGHUP by which the terminal went away (any other one means to read the
 * configuration again), stops, and ends the process by that same signal, as its parent expects. Never resolves.
 */
export async function stopOnSignal(lifecycle: Lifecycle, log: Log): Promise<never> {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  const signal = await new Promise<Signal>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
    process.on('SIGHUP', () => {
      if (terminals.some((fd) => !isatty(fd))) resolve('SIGHUP');
    });
  });
  const force = (why: string): void => {
    log.error({ why }, 'stopping by force');
    process.exit(signals[signal]);
  };
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => force(`second signal ${name}`));
  setTimeout(() => force(`not stopped after ${deadlineMs} ms`), deadlineMs).unref();

  log.info({ signal }, 'stopping');
  await lifecycle.stop();
  for (const name of Object.keys(signals)) process.removeAllListeners(name);
  // The kernel spares process 1 of a container its own signals.
  if (process.pid === 1) process.exit(signals[signal]);
  process.kill(process.pid, signal);
  return new Promise(() => {});
}
