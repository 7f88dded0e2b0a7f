// A connection to Redis that comes back by itself. Used by shard.ts.

import type { Clock, Log } from '../../../domain/ports.ts';
import { within } from '../../../domain/within.ts';
import { SwobError } from '../../../errors.ts';
import { unavailable } from './failure.ts';
import type { RedisNode } from './node.ts';

/** Pauses between attempts double from the first to the longest, each shortened by up to a half by chance. */
const firstPauseMs = 100;
const longestPauseMs = 1_000;
const closeMs = 1_000;
/** A connection that stood for this long was no failed attempt. */
const steadyMs = 5_000;

export interface LinkOptions {
  /** In messages while there is no connection: `127.0.0.1:6379`. */
  readonly name: string;
  /** Opens a connection to whoever it should be now. Throws UNAVAILABLE or CONFIG. */
  readonly open: () => Promise<RedisNode>;
  /** Runs on every new connection before anybody else uses it; when it throws, the connection is given up. */
  readonly prepare?: (node: RedisNode) => Promise<void>;
  /** The link is up (again), or down. */
  readonly onChange: (isUp: boolean) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Link {
  /** The connection that is up. Throws why there is none: UNAVAILABLE or CONFIG. */
  node(): RedisNode;
  isUp(): boolean;
  /** Resolves when the first attempt has ended, with its failure if it failed. */
  readonly first: Promise<SwobError | undefined>;
  /** Idempotent; takes two seconds at most. */
  close(): Promise<void>;
}

/** Begins to connect, and keeps trying for as long as it is not closed. */
export function keepLink({ name, open, prepare, onChange, clock, log }: LinkOptions): Link {
  /** What was said about the outage: each reason once, however many attempts there are. */
  const told = new Set<string>();
  let node: RedisNode | undefined;
  let failure = unavailable(name, 'is not connected yet', 'try again');
  let failures = 0;
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  let cancelPause = (): void => undefined;
  let settleFirst = (_failure: SwobError | undefined): void => undefined;
  const first = new Promise<SwobError | undefined>((resolve) => {
    settleFirst = resolve;
  });

  const tell = (reason: SwobError, message: string): void => {
    if (closed || told.has(reason.message)) return;
    told.add(reason.message);
    log.warn({ redis: name, reason: reason.message }, message);
  };

  /** Resolves when the connection that it opened is lost, or at once when none came about. */
  const attempt = async (): Promise<void> => {
    try {
      const opened = await open();
      if (closed) return await opened.close();
      try {
        await prepare?.(opened);
      } catch (error) {
        await opened.close();
        throw error;
      }
      node = opened;
      told.clear();
      log.info({ redis: opened.name }, 'connected to Redis');
      settleFirst(undefined);
      onChange(true);
      const since = clock.monotonic();
      failure = await opened.lost;
      node = undefined;
      if (clock.monotonic() - since >= steadyMs) failures = 0;
      tell(failure, 'lost Redis; connecting again');
      onChange(false);
    } catch (error) {
      if (!(error instanceof SwobError)) throw error;
      failure = error;
      tell(failure, 'cannot use Redis; trying again and again');
      settleFirst(failure);
    }
  };

  const again = (): void => {
    if (closed) return;
    running = attempt().then(() => {
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10));
      failures += 1;
      if (!closed) cancelPause = clock.after(pauseMs * (0.5 + Math.random() / 2), again);
    });
  };
  again();

  return {
    node: () => {
      if (!node) throw failure;
      return node;
    },
    isUp: () => node !== undefined,
    first,
    close: async () => {
      closed = true;
      cancelPause();
      await node?.close();
      // An attempt under way has its own bounds, and closes what it opens.
      await within(clock, closeMs, running);
    },
  };
}
