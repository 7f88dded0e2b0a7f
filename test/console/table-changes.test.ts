// Changes of tables: what a page makes of them is what the server has read.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tableChanges } from '../../src/console/table-changes.ts';
import { applyTableChange } from '../../src/web/console/table-changes.ts';

interface Data {
  readonly now: number;
  readonly total?: number;
  readonly rows: readonly { readonly id: string; readonly value?: number }[];
}

const changesOf = tableChanges<Data>('rows', 'id');
const apply = applyTableChange<Data>('rows', 'id');

test('a page that applies a change has the later data, whatever has changed', () => {
  const row = fc.record(
    { id: fc.constantFrom('a', 'b', 'c', '__proto__', ''), value: fc.nat(2) },
    { requiredKeys: ['id'] },
  );
  const data: fc.Arbitrary<Data> = fc.record(
    { now: fc.nat(), total: fc.nat(2), rows: fc.uniqueArray(row, { selector: ({ id }) => id }) },
    { requiredKeys: ['now', 'rows'] },
  );
  fc.assert(
    fc.property(data, data, (before, after) => {
      const change = changesOf(before, after);
      const shown = change ? apply(before, JSON.parse(JSON.stringify(change))) : before;
      expect({ ...shown, now: 0 }).toEqual({ ...after, now: 0 });
      if (change) expect(shown.now).toBe(after.now);
    }),
  );
});

test('only rows that differ are sent, and time alone is not a change', () => {
  const before: Data = { now: 1, total: 2, rows: [{ id: 'a' }, { id: 'b', value: 1 }] };
  expect(changesOf(before, { ...before, now: 2 })).toBeUndefined();
  expect(changesOf(before, { ...before, now: 2, rows: [{ id: 'a' }, { id: 'b', value: 2 }] })).toEqual({
    members: { now: 2 },
    absent: [],
    table: { keys: ['a', 'b'], rows: [{ id: 'b', value: 2 }] },
  });
});
