// The id of a request, and a log that adds it to each line. Used by server.ts and the sync service. Not AsyncLocalStorage:
// on Node 20 it costs a call for every promise of the process, an eighth of the time of an SMS.

import type { Log } from '../domain/shared/ports.ts';

export const requestIdHeader = 'x-request-id';

/** The client's id when it is 1 to 128 letters, digits, `.`, `_` and `-`; a new one otherwise. */
export function requestIdOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(header) ? header : crypto.randomUUID();
}

/** The same log, with the id in each line. */
export function logWithRequestId(log: Log, requestId: string): Log {
  // Not a spread with one more member, which takes Node 20 several times as long.
  const withId = (fields: object): object => Object.assign({ requestId }, fields);
  return {
    debug: (fields, message) => log.debug(withId(fields), message),
    info: (fields, message) => log.info(withId(fields), message),
    warn: (fields, message) => log.warn(withId(fields), message),
    error: (fields, message) => log.error(withId(fields), message),
  };
}
