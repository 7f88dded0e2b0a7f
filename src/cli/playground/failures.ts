// The option --fail of the playground: which stubs fail, and how. Used by playground.ts and the `playground` commands.

import { InvalidArgumentError } from 'commander';
import { type PcrfMode, pcrfModes } from '../../stubs/pcrf-modes.ts';
import { type FailRatio, failRatio, type PublisherMode, publisherModes } from '../../stubs/publisher.ts';

export interface StubFailures {
  readonly publisher?: { readonly mode: PublisherMode } | { readonly fail: FailRatio };
  readonly pcrf?: { readonly mode: PcrfMode };
}

/** `publisher=1/3,pcrf=slow`; repeated options add up. Throws InvalidArgumentError. */
export function parseFailures(text: string, earlier: StubFailures = {}): StubFailures {
  let found = earlier;
  for (const part of text.split(',')) found = { ...found, ...parseFailure(part) };
  return found;
}

function parseFailure(part: string): StubFailures {
  const [name, how = ''] = part.split('=', 2).map((word) => word.trim());
  if (name === 'publisher') {
    const fail = failRatio(how);
    if (fail) return { publisher: { fail } };
    const mode = publisherModes.find((each) => each === how);
    if (mode) return { publisher: { mode } };
    throw new InvalidArgumentError(`publisher: expected n/m, such as 1/3, or ${publisherModes.join(', ')}.`);
  }
  if (name === 'pcrf') {
    const mode = pcrfModes.find((each) => each === how);
    if (mode) return { pcrf: { mode } };
    throw new InvalidArgumentError(`pcrf: expected ${pcrfModes.join(', ')}.`);
  }
  throw new InvalidArgumentError('Expected publisher=… or pcrf=…, separated by commas.');
}
