// A store of an earlier format is migrated when it is opened: format 1 had no checksums, and 1 and 2 had other names.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { entry, waiting } from '../../contract/outboxes.ts';
import { seed, user } from '../../contract/store.ts';
import { receipt, storedResponse } from '../../contract/ttl-stores.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { openStore, receiptsOf, recordIn } from './support.ts';

const clock = createFakeClock();
const lps = clock.now() / 1_000;
const callback = { ...entry, content: { url: 'https://example.com/', body: '{}' } };
const oldEvents = (history: readonly { readonly at: number; readonly event: string }[]) =>
  history.map(({ at, event }) => ({ at, what: event }));
const oldReceipt = { answer: receipt.reply, life: oldEvents(receipt.history) };
const oldEntry = ({ history, ...others }: OutboxEntry<unknown>) => ({ ...others, life: oldEvents(history) });
const line = (key: string, value: object) => JSON.stringify({ key, at: clock.now(), value });

/** The files in format 1; `lines` lack the last line end. */
const formerFiles: Record<string, string> = {
  'meta.json': '{"format":1}',
  'lps.json': JSON.stringify({ [seed.imsi]: lps }),
  'lps.json.7': '{"62',
  'lock.4': '{"released":true}',
  [recordName('seeds', seed.imsi)]: JSON.stringify(seed),
  [recordName('users', user.userId)]: JSON.stringify(user),
  [recordName('inbound', entry.id)]: JSON.stringify(oldEntry(entry)),
  [recordName('inbound', 'b')]: JSON.stringify(oldEntry(waiting('b', 1))).slice(0, -3),
  [`${recordName('inbound', entry.id)}.12`]: '{"id":"0123',
  [recordName('callbacks', entry.id)]: JSON.stringify(oldEntry(callback)),
  'published/3.ndjson': `${line('a', oldReceipt)}\n${line('b', oldReceipt)}\n`,
  'published/4.ndjson': `${line('c', oldReceipt)}\n{"key":`,
  'answers/1.ndjson': `${line('d', storedResponse)}\n`,
};

/** The same in format 2, after a kill. */
function withChecksums(): Record<string, string> {
  const files: Record<string, string> = {
    'meta.json': '{"format":2}',
    'lock.4': '{"released":true,"inGoodOrder":false}',
  };
  files['lps.json'] = withChecksum(JSON.stringify({ journal: 0, lps: { [seed.imsi]: lps } }));
  let after: { segment: number; bytes: number } | null = null;
  for (const [name, text] of Object.entries(formerFiles)) {
    if (/^(seeds|users|inbound|callbacks).*\.json$/.test(name)) {
      files[name] = text.endsWith('}') ? withChecksum(text) : text;
    }
    if (!name.endsWith('.ndjson')) continue;
    if (name.startsWith('answers')) after = null;
    const lines = text.split('\n');
    const partial = lines.pop() ?? '';
    const header: string = JSON.stringify({ after });
    const content: string = `${[header, ...lines].map((each) => `${withChecksum(each)}\n`).join('')}${partial}`;
    files[name] = content;
    after = { segment: Number(/\d+/.exec(name)?.[0]), bytes: Buffer.byteLength(content) };
  }
  const attempt = JSON.stringify({ record: oldEntry(waiting('begun', 1)) });
  files['attempts-inbound/1.ndjson'] = `${withChecksum(attempt)}\n`;
  return files;
}

async function oldStore(files = formerFiles): Promise<string> {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

async function expectWhole(folder: string): Promise<void> {
  const { store, log } = await openStore({ folder, clock });
  expect(await store.seeds.active(20_000)).toEqual([{ ...seed, lps }]);
  expect(await store.users.get(user.userId)).toEqual(user);
  expect(await store.inbound.get(entry.id)).toEqual(entry);
  expect(await store.callbacks.get(entry.id)).toEqual(callback);
  expect(await receiptsOf(store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'c']);
  expect(await store.responses.get('d')).toEqual(storedResponse);
  // Files that were damaged before are still named.
  const damaged = join(folder, recordName('inbound', 'b'));
  expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { file: damaged } }]);
  await store.close();
}

test('migrates everything with checksums, and removes the leftovers of killed writes', async () => {
  const folder = await oldStore();
  await expectWhole(folder);
  expect(await readFile(join(folder, 'meta.json'), 'utf8')).toBe('{"format":4}');
  expect(await recordIn(join(folder, recordName('users', user.userId)))).toEqual(user);
  const names = await filesIn(folder);
  expect(names.filter((name) => /\.json\.\d+$/.test(name) && !name.startsWith('damaged/'))).toEqual([]);
  const again = await openStore({ folder, clock });
  expect(again.log.lines).toEqual([]);
  expect(await receiptsOf(again.store, ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
});

test('resumes a migration that was killed', async () => {
  const upgraded = await oldStore();
  const { store } = await openStore({ folder: upgraded, clock });
  await store.close();
  for (const name of [recordName('users', user.userId), recordName('inbound', entry.id), 'lps.json']) {
    const files = { ...formerFiles, [name]: await readFile(join(upgraded, name), 'utf8') };
    await expectWhole(await oldStore(files));
  }
});

test('migrates a store of format 2, including attempts that had begun', async () => {
  const folder = await oldStore(withChecksums());
  await expectWhole(folder);
  expect(await readFile(join(folder, 'meta.json'), 'utf8')).toBe('{"format":4}');
  const { store } = await openStore({ folder, clock });
  expect(await store.inbound.get('begun')).toEqual(waiting('begun', 1));
  expect((await filesIn(folder)).filter((name) => /^(published|answers)/.test(name))).toEqual([]);
});

test('still detects lines missing from a segment of format 2 after the migration', async () => {
  const files = withChecksums();
  const [header = '', first = ''] = (files['published/3.ndjson'] ?? '').split('\n');
  const folder = await oldStore({ ...files, 'published/3.ndjson': `${header}\n${first}\n` });
  const { log } = await openStore({ folder, clock });
  const reasons = log.lines.map(({ fields }) => JSON.stringify(fields)).join();
  expect(reasons).toContain(`${join(folder, 'receipts', '3.ndjson')} is damaged (`);
});
