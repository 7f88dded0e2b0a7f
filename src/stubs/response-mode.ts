// The mode of a stub, which applies to all or to the next requests. Used by the stubs that simulate failures.

import { SwobError } from '../errors.ts';
import type { BehaviourStep } from './stub-script.ts';

const defaultSlowMs = 1_000;
/** An hour, longer than any test. */
const maxSlowMs = 3_600_000;

export interface ModeOptions {
  /** The number of requests that it applies to; all further ones unless given. */
  readonly count?: number;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
}

interface ActiveMode<M extends string> {
  readonly mode: M;
  readonly ms: number;
}

export interface ModeSwitch<M extends string> {
  /** Ends the steps, too. Throws BAD_INPUT, without a change, when a number is out of range. */
  set(mode: M, options?: ModeOptions): void;
  /** The mode of the next request; counts it. */
  next(): ActiveMode<M>;
}

/**
 * @param steps the modes of the first requests, in order; `first` is that of the others
 * Throws BAD_INPUT when `ms` is out of its range.
 */
export function createModeSwitch<M extends string>(
  first: M,
  firstMs?: number,
  steps: readonly BehaviourStep<M>[] = [],
): ModeSwitch<M> {
  let permanent = activeMode(first, firstMs);
  let temporary = steps.map(({ mode, times, ms }) => ({ ...activeMode(mode, ms), left: checkCount(times) }));
  return {
    set: (mode, { count, ms } = {}) => {
      const next = activeMode(mode, ms);
      temporary = count === undefined ? [] : [{ ...next, left: checkCount(count) }];
      if (count === undefined) permanent = next;
    },
    next: () => {
      const [current] = temporary;
      if (!current) return permanent;
      current.left -= 1;
      if (current.left === 0) temporary.shift();
      return current;
    },
  };
}

/** Parses the body of `POST /__behaviour`; throws BAD_INPUT when it is invalid. */
export function parseModeRequest<M extends string>(
  { mode, count, ms }: Readonly<Record<string, unknown>>,
  modes: readonly M[],
): { mode: M } & ModeOptions {
  const known = modes.find((each) => each === mode);
  if (known === undefined) throw new SwobError('BAD_INPUT', `mode: expected one of ${modes.join(', ')}`);
  return {
    mode: known,
    ...(count !== undefined && { count: readNumber('count', count) }),
    ...(ms !== undefined && { ms: readNumber('ms', ms) }),
  };
}

/** Returns `count`; throws BAD_INPUT unless it is a positive integer. */
export function checkCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new SwobError('BAD_INPUT', 'count: expected a whole number from 1');
}

function activeMode<M extends string>(mode: M, ms = defaultSlowMs): ActiveMode<M> {
  if (Number.isFinite(ms) && ms >= 0 && ms <= maxSlowMs) return { mode, ms };
  throw new SwobError('BAD_INPUT', `ms: expected a number from 0 to ${maxSlowMs}`);
}

function readNumber(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw new SwobError('BAD_INPUT', `${name}: expected a number`);
}
