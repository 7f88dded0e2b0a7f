// A ratio of requests that a stub lets fail, such as 1/3. Used by the stubs of Publisher and NAS, and their options.

import { SwobError } from '../errors.ts';

/** Of every `of` requests the first `failing` fail. */
export interface FailRatio {
  readonly failing: number;
  readonly of: number;
}

/** `1/3`; undefined when the text is not a ratio. */
export function failRatio(text: string): FailRatio | undefined {
  const [, failing, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const ratio = { failing: Number(failing), of: Number(of) };
  return ratio.of > 0 && ratio.failing <= ratio.of ? ratio : undefined;
}

/** A ratio as `POST /__behaviour` has it; undefined when it has none. Throws BAD_INPUT. */
export function requestedRatio({ fail }: Readonly<Record<string, unknown>>): FailRatio | undefined {
  if (fail === undefined) return undefined;
  const ratio = typeof fail === 'string' ? failRatio(fail) : undefined;
  if (ratio) return ratio;
  throw new SwobError('BAD_INPUT', 'fail: expected a text such as "1/3", at most 999999 of 999999');
}

/** Counts requests. @returns whether the next one fails */
export function failing(ratio: FailRatio = { failing: 0, of: 1 }): () => boolean {
  let seen = 0;
  return () => {
    const fails = seen < ratio.failing;
    seen = (seen + 1) % ratio.of;
    return fails;
  };
}
