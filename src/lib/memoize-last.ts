// Remembers the last thing that was made, and of what. Used by the lists of seeds.

/** `make`, called only when it is given another object than the last time. */
export function memoizeLast<From extends object, To>(make: (from: From) => To): (from: From) => To {
  let last: { readonly from: From; readonly to: To } | undefined;
  return (from) => {
    if (last?.from !== from) last = { from, to: make(from) };
    return last.to;
  };
}
