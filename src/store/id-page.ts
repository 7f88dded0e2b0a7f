// Collects one page of ids out of many, in bounded memory. Used by the stores to list users, which none of them keeps in order.

export interface IdPage {
  /** Ids that are repeated, are not greater than `after` or do not begin with the prefix are ignored. */
  add(id: string): void;
  /** The smallest ids in order, and whether there were more. */
  result(): { readonly ids: readonly string[]; readonly hasMore: boolean };
}

export function createIdPage(prefix: string, limit: number, after = ''): IdPage {
  let ids = new Set<string>();
  const prune = (): string[] => {
    const smallest = [...ids].sort(byCodeUnits).slice(0, limit + 1);
    ids = new Set(smallest);
    return smallest;
  };
  return {
    add: (id) => {
      if (id <= after || !id.startsWith(prefix)) return;
      ids.add(id);
      if (ids.size > 4 * (limit + 1)) prune();
    },
    result: () => {
      const smallest = prune();
      return { ids: smallest.slice(0, limit), hasMore: smallest.length > limit };
    },
  };
}

/** Not by locale, so that every adapter has the same order. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
