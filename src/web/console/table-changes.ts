// Applies changes of a view with a table to the data that the page has. Used by the views with lists, for `useLive`.

import type { TableChange } from '../../console/table-changes.ts';

type Row = Readonly<Record<string, unknown>>;

/** For `useLive`; to be called once. @param table and `key`: as in the view on the server */
export function applyTableChange<Data extends object>(table: keyof Data & string, key: string) {
  return (data: Data, change: TableChange): Data => {
    const kept = Object.entries(data).filter(([name]) => !change.absent.includes(name));
    const rows = change.table && rowsAfter(data[table] as readonly Row[], change.table, key);
    return { ...Object.fromEntries(kept), ...change.members, ...(rows && { [table]: rows }) } as Data;
  };
}

function rowsAfter(
  before: readonly Row[],
  { keys, rows }: NonNullable<TableChange['table']>,
  key: string,
): readonly Row[] {
  const known = new Map([...before, ...(rows as readonly Row[])].map((row) => [row[key], row]));
  return keys.map((each) => known.get(each)).filter((row) => row !== undefined);
}
