// What listening means for every service: how many connections may wait, and why it failed. Used by http and sync.

import { messageOf, SwobError } from '../errors.ts';

/**
 * Connections that the system takes for us while we are busy. What comes beyond is not answered at all, and a client asks
 * again after a second or more: Node's 511 are too few for all phones or portals of a place that come back at once. The
 * system's own bound (`net.core.somaxconn`, 4,096 by default since Linux 5.4) holds as well.
 */
export const acceptQueue = 4_096;

/** UNAVAILABLE for a port in use, which may become free; CONFIG for an address that will not become ours. */
export function listenError(name: string, host: string, port: number, cause: unknown): SwobError {
  const busy = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
  const code = busy ? 'UNAVAILABLE' : 'CONFIG';
  return new SwobError(code, `${name} cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
}
