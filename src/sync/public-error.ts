// The error that a client of the sync service gets. Used by server.ts and http-handler.ts.

import { SwobError } from '../errors.ts';

/** An expected error as it is; one without details for a defect. */
export function publicError(error: unknown): SwobError {
  const isExpected = error instanceof SwobError && error.code !== 'INTERNAL';
  return isExpected ? error : new SwobError('INTERNAL', 'internal error');
}
