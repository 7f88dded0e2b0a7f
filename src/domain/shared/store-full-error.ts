// What a store throws when it has no room for a new record. Thrown by the stores, caught by the outbox, which evicts
// another entry and tries again.

import { SwobError } from '../../errors.ts';

/** The store has reached its own bound, or the disk is full. Its code is UNAVAILABLE. */
export class StoreFullError extends SwobError {
  constructor(
    message: string,
    options: { cause?: unknown; retryAfter?: number; publicMessage?: string } = {},
  ) {
    super('UNAVAILABLE', message, options);
  }
}
