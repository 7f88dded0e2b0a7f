// Remembers the last thing that was made, and of what. Used for the lists of seeds and their LPS.

/** `make`, called only when it is given another object, or number, than the last time. */
export function unlessSame<From, To>(make: (from: From) => To): (from: From) => To {
  let last: { readonly from: From; readonly to: To } | undefined;
  return (from) => {
    if (last?.from !== from) last = { from, to: make(from) };
    return last.to;
  };
}
