// The id of the request that is being handled, so that every line about it carries the same one. Used by server.ts, by
// the sync service and by the log.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log } from '../domain/ports.ts';

export const requestIdHeader = 'x-request-id';

/**
 * Holds for everything that a request sets going, whatever it awaits. On Node 20 that costs every promise of the process a
 * call, from the first `run` on.
 */
const current = new AsyncLocalStorage<string | undefined>();

/** The caller's id when it is 1 to 128 letters, digits, `.`, `_` and `-`; else a new one. */
export function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : crypto.randomUUID();
}

/** The id of the request that the caller is at work for; undefined outside of requests. */
export function currentRequestId(): string | undefined {
  return current.getStore();
}

/** Does the work, and all that comes of it, in the name of a request. */
export function inRequest<T>(id: string, work: () => T): T {
  return current.run(id, work);
}

/** Does work that outlives the request that happens to set it going. */
export function outsideRequests<T>(work: () => T): T {
  return current.getStore() === undefined ? work() : current.run(undefined, work);
}

/** A log whose lines carry the id, for what goes on after the request. */
export function logWithId(log: Log, requestId: string): Log {
  return {
    debug: (fields, message) => log.debug({ ...fields, requestId }, message),
    info: (fields, message) => log.info({ ...fields, requestId }, message),
    warn: (fields, message) => log.warn({ ...fields, requestId }, message),
    error: (fields, message) => log.error({ ...fields, requestId }, message),
  };
}
