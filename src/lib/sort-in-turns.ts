// Sorts long lists without holding up other requests. Used by the lists of gateway clients.

import { nextTurn } from './next-turn.ts';

/** As `toSorted`, in several turns of the event loop; merging the last two halves is the longest. @param perTurn items sorted in a turn */
export async function sortInTurns<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
  perTurn: number,
): Promise<Item[]> {
  if (items.length <= perTurn) return [...items].sort(compare);
  let parts: Item[][] = [];
  for (let start = 0; start < items.length; start += perTurn) {
    if (start > 0) await nextTurn();
    parts.push(items.slice(start, start + perTurn).sort(compare));
  }
  while (parts.length > 1) {
    const merged: Item[][] = [];
    for (let index = 0; index < parts.length; index += 2) {
      await nextTurn();
      // The sort merges two sorted halves with about one comparison for each item.
      merged.push([...(parts[index] ?? []), ...(parts[index + 1] ?? [])].sort(compare));
    }
    parts = merged;
  }
  return parts[0] ?? [];
}
