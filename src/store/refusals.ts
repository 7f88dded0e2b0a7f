// What the stores say when they refuse; the same words whichever store it is.

import { SwobError } from '../errors.ts';

/** Seconds: an outbox that is full empties as fast as the system behind it takes parcels. */
const fullRetryAfter = 30;

export function tooManySeeds(maxRegistered: number): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `${maxRegistered} IMSIs are registered, no more are taken; raise [seeds] max_registered if they are genuine`,
    { forClients: 'no more seeds are taken' },
  );
}

export function tooManyMessages(max: number): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `${max} messages wait for the Publisher or were given up, no more are taken; see why (\`swob sms failed\`), or raise [publisher] max_kept`,
    { retryAfter: fullRetryAfter, forClients: 'no more messages are taken now', noRoom: true },
  );
}

export function tooManyCallbacks(max: number): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `${max} callbacks wait for another attempt, no more are kept; raise [outgoing] max_callbacks if there may be more`,
    { retryAfter: fullRetryAfter, forClients: 'no more callbacks are kept now', noRoom: true },
  );
}

/** `waiting` operations are ahead, which is as many as there may be. */
export function diskBusy(waiting: number): SwobError {
  return new SwobError('UNAVAILABLE', `${waiting} operations wait for the disk; try again`, {
    retryAfter: 1,
  });
}

export function storeClosed(): SwobError {
  return new SwobError('UNAVAILABLE', 'the store is closed: swob is stopping');
}
