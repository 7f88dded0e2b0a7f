// What the stores say when they refuse; the same words whichever store it is.

import { SwobError } from '../errors.ts';

export function tooManySeeds(maxRegistered: number): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `${maxRegistered} IMSIs are registered, no more are taken; raise [seeds] max_registered if they are genuine`,
    { forClients: 'no more seeds are taken' },
  );
}

export function storeClosed(): SwobError {
  return new SwobError('UNAVAILABLE', 'the store is closed: swob is stopping');
}
