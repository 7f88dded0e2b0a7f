// Errors of every store, so that their messages do not depend on the adapter.

import { StoreFullError } from '../domain/shared/store-full-error.ts';
import { SwobError } from '../errors.ts';

/** A full outbox drains only as fast as the system behind it accepts entries. */
const outboxFullRetryAfterS = 30;

/** Logged once per process. */
export const seedEvictionWarning =
  'the store of seeds is full and evicts those that have been silent longest; raise [seeds] max_registered if they are genuine';

export function seedsFullError(maxRegistered: number): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `${maxRegistered} IMSIs are registered, which is the maximum; raise [seeds] max_registered if they are genuine`,
    { retryAfter: 1, publicMessage: 'no more seeds are taken now' },
  );
}

export function inboundFullError(max: number): SwobError {
  return new StoreFullError(
    `${max} messages wait for the Publisher or were dead-lettered, which is the maximum; find out why with \`swob sms failed\`, or raise [publisher] max_kept`,
    { retryAfter: outboxFullRetryAfterS, publicMessage: 'no more messages are taken now' },
  );
}

export function callbacksFullError(max: number): SwobError {
  return new StoreFullError(
    `${max} callbacks wait for another attempt, which is the maximum; raise [outgoing] max_callbacks if that is expected`,
    { retryAfter: outboxFullRetryAfterS, publicMessage: 'no more callbacks are kept now' },
  );
}

export function waitingSmsFullError(max: number): SwobError {
  return new StoreFullError(
    `${max} outgoing SMS wait for their time or the broker, which is the maximum; raise [outgoing] max_waiting if that is expected`,
    { retryAfter: outboxFullRetryAfterS, publicMessage: 'no more SMS are taken now' },
  );
}

/** `waiting` operations are queued, which is the maximum. */
export function diskBusyError(waiting: number): SwobError {
  return new SwobError('UNAVAILABLE', `${waiting} operations wait for the disk; try again`, {
    retryAfter: 1,
  });
}

export function storeClosedError(): SwobError {
  return new SwobError('UNAVAILABLE', 'the store is closed: swob is stopping');
}
