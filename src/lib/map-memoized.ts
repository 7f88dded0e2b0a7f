// Maps lists that are much like the one before. Used for the lists of seeds.

/**
 * As `list.map(make)`, but `make` is not called again for what the last list had, as long as lists change as those of
 * seeds do: items leave anywhere, and new ones come at the end. `make` must depend on its item alone.
 */
export function mapMemoized<From, To>(make: (item: From) => To): (list: readonly From[]) => To[] {
  let last: readonly From[] = [];
  let made: readonly To[] = [];
  return (list) => {
    let at = 0;
    const next = list.map((item) => {
      while (at < last.length && last[at] !== item) at++;
      // After the first that is not found all are made anew.
      return at < last.length ? (made[at++] as To) : make(item);
    });
    last = list;
    made = next;
    return next;
  };
}
