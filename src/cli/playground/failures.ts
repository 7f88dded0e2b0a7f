// The option --fail of the playground: which stubs fail, and how. Used by playground.ts and the `playground` commands.

import { InvalidArgumentError } from 'commander';
import { type FailRatio, failRatio } from '../../stubs/fail-ratio.ts';
import { type NasMode, nasModes } from '../../stubs/nas-modes.ts';
import { type PcrfMode, pcrfModes } from '../../stubs/pcrf-modes.ts';
import { type PublisherMode, publisherModes } from '../../stubs/publisher.ts';

type Failure<Mode> = { readonly mode: Mode } | { readonly fail: FailRatio };

export interface StubFailures {
  readonly publisher?: Failure<PublisherMode>;
  readonly nas?: Failure<NasMode>;
  readonly pcrf?: { readonly mode: PcrfMode };
}

/** `publisher=1/3,pcrf=slow,nas=hang`; repeated options add up. Throws InvalidArgumentError. */
export function parseFailures(text: string, earlier: StubFailures = {}): StubFailures {
  let found = earlier;
  for (const part of text.split(',')) found = { ...found, ...parseFailure(part) };
  return found;
}

function parseFailure(part: string): StubFailures {
  const [name, how = ''] = part.split('=', 2).map((word) => word.trim());
  if (name === 'publisher') return { publisher: parseRatioOrMode(name, how, publisherModes) };
  if (name === 'nas') return { nas: parseRatioOrMode(name, how, nasModes) };
  if (name === 'pcrf') {
    const mode = pcrfModes.find((each) => each === how);
    if (mode) return { pcrf: { mode } };
    throw new InvalidArgumentError(`pcrf: expected ${pcrfModes.join(', ')}.`);
  }
  throw new InvalidArgumentError('Expected publisher=…, pcrf=… or nas=…, separated by commas.');
}

function parseRatioOrMode<Mode extends string>(
  name: string,
  how: string,
  modes: readonly Mode[],
): Failure<Mode> {
  const fail = failRatio(how);
  if (fail) return { fail };
  const mode = modes.find((each) => each === how);
  if (mode) return { mode };
  throw new InvalidArgumentError(`${name}: expected n/m, such as 1/3, or ${modes.join(', ')}.`);
}
