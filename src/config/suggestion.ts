// Suggests the key that a misspelled name was meant to be. Used by settings.ts, sources.ts and the command
// line.

/** The number of edits that still counts as a typing error. */
const maxEdits = (word: string): number => (word.length > 4 ? 2 : 1);

/**
 * The one of `names` (`section.key`) that is a typing error away from `name`, or the only one with the same key.
 * Undefined when several qualify, because a wrong suggestion is worse than none.
 */
export function suggestedKey(name: string, names: Iterable<string>): string | undefined {
  const [section, key] = splitName(name.toLowerCase());
  const near = [...names].flatMap((candidate) => {
    const [otherSection, otherKey] = splitName(candidate);
    const edits = editDistance(section, otherSection) + editDistance(key, otherKey);
    const isNear =
      editDistance(section, otherSection) <= maxEdits(section) &&
      editDistance(key, otherKey) <= maxEdits(key);
    return isNear ? [{ candidate, edits }] : [];
  });
  const fewest = Math.min(...near.map(({ edits }) => edits));
  const nearest = near.filter(({ edits }) => edits === fewest);
  if (nearest.length === 1) return nearest[0]?.candidate;
  const sameKey = [...names].filter((candidate) => splitName(candidate)[1] === key);
  return near.length === 0 && sameKey.length === 1 ? sameKey[0] : undefined;
}

/** The only one of `names` that is a typing error away from `word`. */
export function nearestName(word: string, names: Iterable<string>): string | undefined {
  const near = [...names].filter((name) => editDistance(word.toLowerCase(), name) <= maxEdits(word));
  return near.length === 1 ? near[0] : undefined;
}

function splitName(name: string): [section: string, key: string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, Math.max(0, dot)), name.slice(dot + 1)];
}

/** The Damerau-Levenshtein distance (optimal string alignment). */
function editDistance(from: string, to: string): number {
  // Bound the work: the name may have any length.
  if (Math.abs(from.length - to.length) > 2) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const edits = [(row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1)];
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) edits.push((before[j - 2] ?? 0) + 1);
      next.push(Math.min(...edits));
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}
