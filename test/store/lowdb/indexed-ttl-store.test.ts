// Receipts, whose values are read from disk when they are asked for.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Receipt } from '../../../src/domain/inbound/model.ts';
import { openLowdbArchive } from '../../../src/store/lowdb/archive.ts';
import { storeOptions } from '../../contract/store.ts';
import { receipt } from '../../contract/ttl-stores.ts';
import { effort } from '../../support/effort.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { crashImage, firstReceipts, openStore, receiptsOf } from './support.ts';

const numbered = (n: number): Receipt => ({ reply: 'accepted', history: [{ at: n, event: 'published' }] });

async function exported(folder: string, clock: FakeClock): Promise<{ key: string; until: number }[]> {
  const archive = await openLowdbArchive({ ...storeOptions(clock), folder });
  const found: { key: string; until: number }[] = [];
  for await (const record of archive.records()) {
    if (record.kind === 'receipts') found.push({ key: record.key, until: record.until });
  }
  expect((await archive.count()).receipts).toBe(found.length);
  await archive.close();
  return found;
}

test('an export has each receipt once, in the order of the last puts, whatever their keys', async () => {
  const { store, folder, clock } = await openStore();
  for (const key of ['"', 'b', '\ud800', 'b', '', 'a\\']) {
    clock.advance(1.5);
    await store.receipts.put(key, receipt);
  }
  await store.close();
  const found = await exported(folder, clock);
  expect(found.map(({ key }) => key)).toEqual(['"', '\ud800', 'b', '', 'a\\']);
  expect(found.at(-1)?.until).toBe(clock.now() + 60_000);
});

test('a line that is damaged while the store is open is named, and its receipt is lost alone', async () => {
  const { store, folder, log } = await openStore();
  for (const key of ['a', 'b', 'c']) await store.receipts.put(key, receipt);
  const file = join(folder, firstReceipts);
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"key":"b"', '"key":"x"'));
  expect(await receiptsOf(store, ['a', 'b', 'c'])).toEqual(['a', 'c']);
  const reason = expect.stringContaining(`${file} at byte`);
  expect(log.lines).toMatchObject([{ level: 'error', fields: { reason } }]);
});

const key = fc.constantFrom('a', 'b', 'c', 'é\n"', '');
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, n: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'crash' as const) }) },
);

test('returns what was put last and has not expired, over restarts and crashes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      let opened = await openStore();
      const { clock } = opened;
      const model = new Map<string, { value: Receipt; until: number }>();
      for (const each of commands) {
        if (each.kind === 'put') {
          await opened.store.receipts.put(each.key, numbered(each.n));
          model.set(each.key, { value: numbered(each.n), until: clock.monotonic() + 60_000 });
        } else if (each.kind === 'wait') {
          clock.advance(each.ms);
        } else {
          const image = each.kind === 'crash' ? await crashImage(opened.folder) : opened.folder;
          await opened.store.close();
          opened = await openStore({ folder: image, clock });
        }
        for (const [name, { value, until }] of model) {
          const expected = until > clock.monotonic() ? value : undefined;
          expect(await opened.store.receipts.get(name)).toEqual(expected);
        }
      }
      await opened.store.close();
    }),
    { numRuns: 10 * effort },
  );
});
