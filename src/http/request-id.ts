// The id of a request, and a log whose lines about it carry that id. Used by server.ts and by the sync service. Not by
// AsyncLocalStorage: on Node 20 that costs every promise of the process a call, an eighth of what an SMS costs.

import type { Log } from '../domain/ports.ts';

export const requestIdHeader = 'x-request-id';

/** The caller's id when it is 1 to 128 letters, digits, `.`, `_` and `-`; else a new one. */
export function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : crypto.randomUUID();
}

/** The same log, with the id in each line. */
export function logWithId(log: Log, requestId: string): Log {
  // No copy by `...` with one more member: that takes Node 20 several times as long.
  const withId = (fields: object): object => Object.assign({ requestId }, fields);
  return {
    debug: (fields, message) => log.debug(withId(fields), message),
    info: (fields, message) => log.info(withId(fields), message),
    warn: (fields, message) => log.warn(withId(fields), message),
    error: (fields, message) => log.error(withId(fields), message),
  };
}
