// Keeps the waiting entries of each order key in the order of their arrival, and says which one is the first. Used by
// outbox-index.ts.

export interface EntryOrder {
  /**
   * The sequence of a waiting entry: the one that it has here, else the given one, else the next. Lasting only after
   * `join`.
   */
  sequenceOf(id: string, given: number | undefined): number;
  /** Adds an entry, or leaves it where it is. */
  join(id: string, orderKey: string, sequence: number): void;
  leave(id: string): void;
  /** The order key of an entry that has one. */
  keyOf(id: string): string | undefined;
  /** The first entry of a key. */
  first(orderKey: string): string | undefined;
  /** The ids of a key, first to last. */
  ids(orderKey: string, limit: number): string[];
  count(orderKey: string): number;
  /** Of all keys that begin with this word and a space. */
  countOfGroup(word: string): number;
}

interface Position {
  readonly id: string;
  readonly orderKey: string;
  readonly sequence: number;
}

export function createEntryOrder(): EntryOrder {
  const positions = new Map<string, Position>();
  const byKey = new Map<string, Position[]>();
  /** Entries by the first word of their keys. */
  const groups = new Map<string, number>();
  let last = 0;

  const countInGroup = (orderKey: string, by: number): void => {
    const space = orderKey.indexOf(' ');
    if (space < 0) return;
    const word = orderKey.slice(0, space);
    const count = (groups.get(word) ?? 0) + by;
    if (count > 0) groups.set(word, count);
    else groups.delete(word);
  };

  const leave = (id: string): void => {
    const position = positions.get(id);
    if (!position) return;
    positions.delete(id);
    countInGroup(position.orderKey, -1);
    const others = byKey.get(position.orderKey) ?? [];
    others.splice(others.indexOf(position), 1);
    if (others.length === 0) byKey.delete(position.orderKey);
  };

  return {
    sequenceOf: (id, given) => positions.get(id)?.sequence ?? given ?? ++last,
    join: (id, orderKey, sequence) => {
      const before = positions.get(id);
      if (before?.orderKey === orderKey && before.sequence === sequence) return;
      leave(id);
      last = Math.max(last, sequence);
      const position = { id, orderKey, sequence };
      positions.set(id, position);
      countInGroup(orderKey, 1);
      const others = byKey.get(orderKey) ?? [];
      byKey.set(orderKey, others);
      // New entries are the last ones, so that this search ends immediately.
      others.splice(others.findLastIndex((each) => each.sequence <= sequence) + 1, 0, position);
    },
    leave,
    keyOf: (id) => positions.get(id)?.orderKey,
    first: (orderKey) => byKey.get(orderKey)?.[0]?.id,
    ids: (orderKey, limit) => (byKey.get(orderKey) ?? []).slice(0, Math.max(0, limit)).map(({ id }) => id),
    count: (orderKey) => byKey.get(orderKey)?.length ?? 0,
    countOfGroup: (word) => groups.get(word) ?? 0,
  };
}
