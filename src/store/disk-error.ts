// Failures of the file system, as the lock and the lowdb store tell them.

import { messageOf, SwobError } from '../errors.ts';

/** UNAVAILABLE; the system's message holds the reason, e.g. `ENOSPC: no space left on device`. */
export function diskError(what: string, error: unknown): SwobError {
  if (error instanceof SwobError) return error;
  return new SwobError('UNAVAILABLE', `${what}: ${messageOf(error)}`, { cause: error });
}

/** The system's name of an error, e.g. `ENOENT`. */
export function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
