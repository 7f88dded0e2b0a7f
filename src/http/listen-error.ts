// Why a service could not listen. Used by http and sync.

import { messageOf, SwobError } from '../errors.ts';

/** UNAVAILABLE for a port in use, which may become free; CONFIG for an address that will not become ours. */
export function listenError(name: string, host: string, port: number, cause: unknown): SwobError {
  const busy = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
  const code = busy ? 'UNAVAILABLE' : 'CONFIG';
  return new SwobError(code, `${name} cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
}
