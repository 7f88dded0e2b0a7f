// What has changed between two readings of a view with a table: members, and rows by their key. Used by the views with lists;
// src/web/console/table-changes.ts makes the later data of it.

export interface TableChange {
  /** Other members that differ. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Members that the data no longer has. */
  readonly absent: readonly string[];
  /** Left out when the table is the same: the keys of its rows in their order, and the rows that are new or differ. */
  readonly table?: { readonly keys: readonly string[]; readonly rows: readonly unknown[] };
}

type Row = Readonly<Record<string, unknown>>;

/**
 * For `changes` of a view. The time of the server, `now`, changes with each reading and is not a change by itself.
 * @param table the member with the rows
 * @param key the member of a row that no other row shares
 */
export function tableChanges<Data extends object>(table: keyof Data & string, key: string) {
  return (before: Data, after: Data): TableChange | undefined => {
    const earlier = new Map<string, unknown>(Object.entries(before));
    const differing = Object.entries(after).filter(
      ([name, value]) => name !== table && !isEqual(value, earlier.get(name)),
    );
    const absent = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
    const rows = rowChanges(before[table] as readonly Row[], after[table] as readonly Row[], key);
    if (!rows && absent.length === 0 && differing.every(([name]) => name === 'now')) return undefined;
    return { members: Object.fromEntries(differing), absent, ...(rows && { table: rows }) };
  };
}

function rowChanges(
  before: readonly Row[],
  after: readonly Row[],
  key: string,
): TableChange['table'] | undefined {
  const known = new Map(before.map((row) => [row[key], row]));
  const rows = after.filter((row) => !isEqual(row, known.get(row[key])));
  const isSameOrder =
    before.length === after.length && after.every((row, at) => row[key] === before[at]?.[key]);
  return rows.length === 0 && isSameOrder ? undefined : { keys: after.map((row) => String(row[key])), rows };
}

/** As JSON, which is what pages get. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
