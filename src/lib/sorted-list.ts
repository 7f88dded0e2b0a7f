// Binary search in sorted arrays. Used by the indexes of the stores, whose lists grow mostly at their end.

/** The index of the first item that is not before the place that is sought. */
export function indexIn<T>(list: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = list[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

export type Compare<T> = (a: T, b: T) => number;

/** Inserts the item where it belongs. */
export function insertSorted<T>(list: T[], item: T, compare: Compare<T>): void {
  list.splice(
    indexIn(list, (each) => compare(each, item) < 0),
    0,
    item,
  );
}

/** Removes the item, if it is in the list. */
export function removeSorted<T>(list: T[], item: T, compare: Compare<T>): void {
  const index = indexIn(list, (each) => compare(each, item) < 0);
  if (list[index] === item) list.splice(index, 1);
}
