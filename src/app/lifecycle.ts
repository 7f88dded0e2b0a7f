// Start and stop. Each resource registers its disposer as it opens; they run last in, first out, also after a failed
// start. A stop has one time budget for all of them. The first signal stops gracefully, a second one or the end of the
// budget forces the stop.

import { isatty } from 'node:tty';
import { inspect } from 'node:util';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf, systemErrorCode } from '../errors.ts';
import { createDeadline, type Deadline } from '../lib/deadline.ts';
import { signalRepeatMs } from './repeated-signal.ts';

/** How long a stop may take; TimeoutStopSec= of the units and stop_grace_period of compose.yml allow more. */
export const stopBudgetMs = 10_000;
/** Of that, kept for the end of the process itself. */
const exitReserveMs = 500;
/** A disposer that has interrupted its work at the deadline still has to report it. */
const overrunMs = 200;

/**
 * Closes a resource before the deadline. It may return how many pieces of work it had to interrupt, which is logged; a
 * promise is waited for.
 */
type Dispose = (deadline: Deadline) => unknown;

export interface Lifecycle {
  /**
   * `dispose` runs once, after those that were deferred later. `reserveMs` of the budget is kept for it, whatever runs
   * before it.
   */
  defer(name: string, dispose: Dispose, reserveMs?: number): void;
  /**
   * Runs every disposer within the time of a stop, or within `budgetMs`; idempotent. A disposer that fails or hangs is logged and
   * does not keep the others.
   */
  stop(budgetMs?: number): Promise<void>;
}

interface Resource {
  readonly name: string;
  readonly dispose: Dispose;
  readonly reserveMs: number;
}

export function createLifecycle(log: Log, clock: Clock): Lifecycle {
  const resources: Resource[] = [];
  let stopped: Promise<void> | undefined;

  const closeOne = async ({ name, dispose }: Resource, deadline: Deadline): Promise<void> => {
    try {
      const interrupted = await dispose(deadline);
      if (typeof interrupted === 'number' && interrupted > 0)
        log.warn({ resource: name, interrupted }, 'work was interrupted to stop in time');
    } catch (error) {
      log.error({ resource: name, error: messageOf(error) }, 'could not be closed cleanly');
    }
  };
  const closeAll = async (budgetMs: number): Promise<void> => {
    const whole = createDeadline(clock, budgetMs - exitReserveMs);
    for (let next = resources.pop(); next; next = resources.pop()) {
      const deadline = whole.reserve(resources.reduce((sum, { reserveMs }) => sum + reserveMs, 0));
      const closed = closeOne(next, deadline);
      if (!(await deadline.reserve(-overrunMs).settles(closed)))
        log.error({ resource: next.name }, 'could not be closed in time');
    }
  };
  return {
    defer: (name, dispose, reserveMs = 0) => void resources.push({ name, dispose, reserveMs }),
    stop: (budgetMs = stopBudgetMs) => {
      stopped ??= closeAll(budgetMs);
      return stopped;
    },
  };
}

const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof signals;

/**
 * Waits for SIGINT, SIGTERM, or the SIGHUP of a closed terminal (any other SIGHUP reloads the configuration), stops, and
 * ends the process by that same signal, as its parent expects. Never resolves.
 */
export async function stopOnSignal(lifecycle: Lifecycle, log: Log): Promise<never> {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  const signal = await new Promise<Signal>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
    process.on('SIGHUP', () => {
      if (terminals.some((fd) => !isatty(fd))) resolve('SIGHUP');
    });
  });
  const force = (reason: string): void => {
    log.error({ reason }, 'stopping by force');
    process.exit(signals[signal]);
  };
  const since = performance.now();
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.on(name, () => {
      if (name !== signal || performance.now() - since > signalRepeatMs) force(`second signal ${name}`);
    });
  }
  setTimeout(() => force(`not stopped after ${stopBudgetMs} ms`), stopBudgetMs).unref();

  log.info({ signal }, 'stopping');
  await lifecycle.stop();
  for (const name of Object.keys(signals)) process.removeAllListeners(name);
  // The kernel does not deliver to process 1 of a container the signals that it sends itself.
  if (process.pid === 1) process.exit(signals[signal]);
  process.kill(process.pid, signal);
  return new Promise(() => {});
}

/** Ends this process immediately: a worker that its primary has stopped, or that could not start. */
export function exitNow(code: number): never {
  process.exit(code);
}

/** The system has run out of files, processes, socket memory or disk space, which may pass. */
const exhaustionCodes: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOBUFS', 'ENOSPC']);

/**
 * An uncaught error ends the process, because its state is unknown; the error is printed as Node prints it. Exhausted
 * system resources do not: a library that throws for them has only failed in what it was doing.
 */
export function surviveResourceExhaustion(log: Log): void {
  process.on('uncaughtException', (error) => {
    if (exhaustionCodes.has(systemErrorCode(error))) {
      log.error({ error: messageOf(error) }, 'the system has run out of a resource; swob keeps running');
      return;
    }
    process.stderr.write(`${inspect(error)}\n`);
    process.exit(1);
  });
}
