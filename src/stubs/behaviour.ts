// How a stand-in answers, from now on or for the next requests only. Used by the stand-ins that misbehave on demand.

import { SwobError } from '../errors.ts';

const defaultSlowMs = 1_000;
/** An hour: no test waits for longer. */
const maxSlowMs = 3_600_000;

export interface BehaviourOptions {
  /** For so many requests; without it for all from now on. */
  readonly count?: number;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
}

interface Answering<M extends string> {
  readonly mode: M;
  readonly ms: number;
}

export interface Behaviour<M extends string> {
  /** Throws BAD_INPUT when a number is out of its range, and stays as it was. */
  set(mode: M, options?: BehaviourOptions): void;
  /** How the next request is to be answered; counts it. */
  next(): Answering<M>;
}

/** Throws BAD_INPUT when `ms` is out of its range. */
export function createBehaviour<M extends string>(first: M, firstMs?: number): Behaviour<M> {
  let standing = answering(first, firstMs);
  let passing = { ...standing, left: 0 };
  return {
    set: (mode, { count, ms } = {}) => {
      const next = answering(mode, ms);
      if (count === undefined) standing = next;
      passing = { ...next, left: count === undefined ? 0 : wholeCount(count) };
    },
    next: () => {
      if (passing.left === 0) return standing;
      passing.left -= 1;
      return passing;
    },
  };
}

/** What the body of `POST /__behaviour` asks for; throws BAD_INPUT when it is not well formed. */
export function behaviourIn<M extends string>(
  { mode, count, ms }: Readonly<Record<string, unknown>>,
  modes: readonly M[],
): { mode: M } & BehaviourOptions {
  const known = modes.find((each) => each === mode);
  if (known === undefined) throw new SwobError('BAD_INPUT', `mode: expected one of ${modes.join(', ')}`);
  return {
    mode: known,
    ...(count !== undefined && { count: numberIn('count', count) }),
    ...(ms !== undefined && { ms: numberIn('ms', ms) }),
  };
}

/** `count` itself; throws BAD_INPUT when nothing can be counted down from it. */
export function wholeCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new SwobError('BAD_INPUT', 'count: expected a whole number from 1');
}

function answering<M extends string>(mode: M, ms = defaultSlowMs): Answering<M> {
  if (Number.isFinite(ms) && ms >= 0 && ms <= maxSlowMs) return { mode, ms };
  throw new SwobError('BAD_INPUT', `ms: expected a number from 0 to ${maxSlowMs}`);
}

function numberIn(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw new SwobError('BAD_INPUT', `${name}: expected a number`);
}
