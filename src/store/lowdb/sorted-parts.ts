// Sorts many ids into parts of limited size, a part at a time, so that no step takes long. Used by user-ids.ts.

export interface SortedParts {
  add(id: string): void;
  /** Each id once, in order; no part is empty. */
  parts(): Generator<readonly string[]>;
}

export function createSortedParts(maxPart: number): SortedParts {
  /** The ids of each bucket are at least its `first`, and less than that of the next one. */
  const firsts = [''];
  const buckets: string[][] = [[]];

  const split = (index: number): void => {
    const ids = sorted(buckets[index] ?? []);
    const middle = Math.floor(ids.length / 2);
    const second = ids[middle];
    if (second === undefined) return;
    buckets.splice(index, 1, ids.slice(0, middle), ids.slice(middle));
    firsts.splice(index + 1, 0, second);
  };

  return {
    add: (id) => {
      const index = lastNotAbove(firsts, id);
      const bucket = buckets[index];
      bucket?.push(id);
      if (bucket && bucket.length > 2 * maxPart) split(index);
    },
    *parts() {
      for (const bucket of buckets) {
        const ids = sorted(bucket);
        for (let start = 0; start < ids.length; start += maxPart) yield ids.slice(start, start + maxPart);
      }
    },
  };
}

/** The index of the last one that is not greater than the id; the first one never is. */
function lastNotAbove(firsts: readonly string[], id: string): number {
  let [low, high] = [0, firsts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((firsts[middle] ?? '') <= id) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** By code units, as `createIdPage` orders them. */
function sorted(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : Number(a > b)));
}
