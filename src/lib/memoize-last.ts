// Remembers the last thing that was made, and of what. Used by the lists of seeds.

import type { MaybePromise } from './maybe-promise.ts';

/** `make`, called only when it is given another object than the last time, or has failed. */
export function memoizeLast<From extends object, To>(
  make: (from: From) => MaybePromise<To>,
): (from: From) => MaybePromise<To> {
  let last: { readonly from: From; to: MaybePromise<To> } | undefined;
  return (from) => {
    if (last?.from === from) return last.to;
    const current = { from, to: make(from) };
    last = current;
    if (current.to instanceof Promise) {
      current.to.then(
        (to) => {
          current.to = to;
        },
        () => {
          if (last === current) last = undefined;
        },
      );
    }
    return current.to;
  };
}
