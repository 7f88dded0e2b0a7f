// `swob store export` and `import` on stores in folders: what they refuse, write and print.

import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ArchivedRecord } from '../../../../src/store/archive/archive.ts';
import { entry } from '../../../contract/outboxes.ts';
import { seed, user } from '../../../contract/store.ts';
import { openStore } from '../../../store/lowdb/support.ts';
import { fileOf } from '../../../support/archives.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { type CliOptions, createCli } from '../../harness.ts';

const now = createFakeClock().now();
const records: ArchivedRecord[] = [
  { kind: 'seeds', record: seed },
  { kind: 'users', record: user },
  { kind: 'inbound', record: entry },
  { kind: 'receipts', key: 'gone', until: now, record: { reply: 'published', history: [] } },
  { kind: 'receipts', key: 'k', until: now + 60_000, record: { reply: 'published', history: [] } },
];
const counts = {
  seeds: 1,
  users: 1,
  inbound: 1,
  callbacks: 0,
  receipts: 1,
  responses: 0,
  clients: 0,
  tests: 0,
  disconnects: 0,
  messages: 0,
  waitingSms: 0,
};
const inWords = '1 seed, 1 user, 1 inbound SMS, 1 receipt';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder, 'given.jsonl');
  writeFileSync(file, await fileOf(records));
});

/** Runs `swob store …` on the store in the given folder. */
async function store(name: string, argv: readonly string[], options: CliOptions = {}) {
  const cli = createCli(options);
  const code = await cli.swob('store', ...argv, '--set', `store.url=file:${join(folder, name)}`);
  return { code, out: cli.out.text, err: cli.err.text };
}
const here = (name: string): string => join(folder, name);
const linesIn = (text: string): string[] => text.split('\n').slice(1, -2).toSorted();

test('imports a file into a store, and exports that store through a pipe into another one', async () => {
  const imported = await store('one', ['import', file, '--json']);
  expect(imported).toEqual({
    code: 0,
    out: `${JSON.stringify({ counts, expired: 1, changed: 0 })}\n`,
    err: `imported ${inWords} into file:${here('one')}, read back and compared\nskipped 1 expired records\n`,
  });
  const backup = here('backup.jsonl');
  const exported = await store('one', ['export', backup, '--json']);
  expect(exported.code).toBe(0);
  expect(JSON.parse(exported.out)).toMatchObject({ file: backup, counts });
  expect(exported.err).toBe(`exported ${inWords} from file:${here('one')} to ${backup}\n`);
  expect(statSync(backup).mode & 0o777).toBe(0o600);

  const piped = await store('one', ['export', '-q']);
  expect(piped).toMatchObject({ code: 0, out: readFileSync(backup, 'utf8'), err: '' });
  expect(await store('two', ['import', '-', '-q'], { stdin: piped.out })).toEqual({
    code: 0,
    out: '',
    err: '',
  });
  expect(linesIn((await store('two', ['export', '-'])).out)).toEqual(linesIn(piped.out));
  expect(readdirSync(folder).toSorted()).toEqual(['backup.jsonl', 'given.jsonl', 'one', 'two']);
});

describe('export', () => {
  test('requires a file when stdout is a terminal', async () => {
    await store('one', ['import', file]);
    const { code, out, err } = await store('one', ['export'], { terminal: true });
    expect([code, out]).toEqual([64, '']);
    expect(err).toContain('stdout is a terminal, and an export contains keys: name a file');
  });

  test('keeps an existing file unless forced, and then makes it private', async () => {
    await store('one', ['import', file]);
    const backup = here('backup.jsonl');
    writeFileSync(backup, 'mine');
    chmodSync(backup, 0o644);
    expect(await store('one', ['export', backup])).toMatchObject({
      code: 78,
      err: `swob: ${backup} already exists; --force replaces it\n`,
    });
    expect(readFileSync(backup, 'utf8')).toBe('mine');
    expect((await store('one', ['export', backup, '--force'])).code).toBe(0);
    expect(readFileSync(backup, 'utf8')).toContain('swob-store');
    expect(statSync(backup).mode & 0o777).toBe(0o600);
  });

  test('refuses a folder that is not a store and an unusable file path, and leaves nothing behind', async () => {
    expect((await store('none', ['export', here('x')])).err).toContain(
      'is not a store that swob can read (no meta.json there); set [store] url to the folder of the store\n',
    );
    await store('one', ['import', file]);
    for (const bad of [folder, join(folder, 'no', 'such')]) {
      expect(await store('one', ['export', bad, '--force'])).toMatchObject({ code: 78 });
    }
    expect(readdirSync(folder).toSorted()).toEqual(['given.jsonl', 'one']);
  });

  test('names a damaged record, and leaves no file', async () => {
    await store('one', ['import', file]);
    const [part = ''] = readdirSync(here('one/users'));
    const [name = ''] = readdirSync(here(`one/users/${part}`));
    writeFileSync(here(`one/users/${part}/${name}`), '{"userId":');
    const { code, err } = await store('one', ['export', here('backup.jsonl')]);
    expect(code).toBe(75);
    expect(err).toContain(`users/${part}/${name} is damaged`);
    expect(readdirSync(folder).toSorted()).toEqual(['given.jsonl', 'one']);
  });
});

describe('import', () => {
  test('refuses a store that is not empty, but merges with --merge, repeatedly with the same result', async () => {
    await store('one', ['import', file]);
    expect(await store('one', ['import', file])).toMatchObject({
      code: 78,
      err: `swob: file:${here('one')} holds ${inWords}; --merge adds the records of the file, and replaces those with the same id\n`,
    });
    const other = { ...user, userId: 'other' };
    writeFileSync(file, await fileOf([{ kind: 'users', record: other }]));
    for (let n = 0; n < 2; n++) {
      expect((await store('one', ['import', file, '--merge', '--json'])).out).toContain('"users":1');
    }
    const lines = linesIn((await store('one', ['export', '-'])).out);
    expect(lines.filter((line) => line.includes('"users"'))).toHaveLength(2);
    expect(lines).toHaveLength(5);
  });

  test('that merges more entries than the limit evicts the oldest', async () => {
    await store('one', ['import', file]);
    const memo = (n: number): ArchivedRecord => {
      const record = { reply: 'published', history: [] } as const;
      return { kind: 'receipts', key: `m${n}`, until: now + 70_000 + n, record };
    };
    writeFileSync(file, await fileOf([memo(1), memo(2)]));
    const smaller = ['--set', 'publisher.max_remembered=2'];
    expect(await store('one', ['import', file, '--merge', '--json', ...smaller])).toMatchObject({ code: 0 });
    writeFileSync(file, await fileOf([memo(3), memo(4)]));
    const { code, out } = await store('one', ['import', file, '--merge', '--json', ...smaller]);
    expect([code, JSON.parse(out)]).toMatchObject([0, { counts: { receipts: 2 }, changed: 0 }]);
    const text = (await store('one', ['export', '-'])).out;
    expect(text).toContain('"m4"');
    expect(text).not.toContain('"k"');
  });

  test('writes nothing, and creates no store, when the file is incomplete', async () => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, -5));
    expect(await store('one', ['import', file])).toMatchObject({
      code: 65,
      err: `swob: ${file} line 7: ends before its last line: it was truncated; use the complete file\n`,
    });
    expect(await store('one', ['import', '-'], { stdin: text.replace('+237', '+238') })).toMatchObject({
      code: 65,
      err: 'swob: stdin line 7: the digest does not match the lines before it\n',
    });
    expect(existsSync(here('one'))).toBe(false);
  });

  test('refuses more entries than the store may hold, before it writes', async () => {
    const { code, err } = await store('one', ['import', file, '--set', 'publisher.max_remembered=1']);
    expect(code).toBe(78);
    expect(err).toContain(
      'the file has 2 receipts, but this configuration keeps at most 1; raise [publisher] max_remembered',
    );
    expect((await store('one', ['export', '-'])).out.split('\n')).toHaveLength(3);
  });

  test('that waits for its input ends on a signal, and leaves nothing behind', async () => {
    const cli = createCli({ stdin: new Readable({ read: () => void cli.signals.emit('SIGINT') }) });
    expect(await cli.swob('store', 'import', '-', '--set', `store.url=file:${here('one')}`)).toBe(130);
    expect(existsSync(here('one'))).toBe(false);
  });

  test('names a file that it cannot read', async () => {
    for (const bad of [here('none'), folder]) {
      const { code, err } = await store('one', ['import', bad]);
      expect([code, err.startsWith(`swob: cannot read ${bad}: `)]).toEqual([78, true]);
    }
  });
});

test.each(['export', 'import'])(
  '%s names the owner of an open store, and refuses memory:',
  async (command) => {
    const opened = await openStore({ folder: here('one') });
    const { code, err } = await store('one', [command, command === 'import' ? file : '-']);
    expect(code).toBe(75);
    expect(err).toContain(`the store ${here('one')} is in use by pid ${process.pid} on host`);
    expect(err).toContain('stop it');
    await opened.store.close();
    const cli = createCli();
    const argument = command === 'import' ? file : '-';
    expect(await cli.swob('store', command, argument, '--set', 'store.url=memory:')).toBe(78);
    expect(cli.err.text).toContain('memory: has nothing to export or import');
  },
);

test('shows progress on a terminal, and none with --quiet', async () => {
  const terminal = { terminal: true, size: [100, 30] as const };
  const { err } = await store('one', ['import', file], terminal);
  for (const step of ['checking', 'writing', 'reading back']) expect(err).toContain(`${step} [`);
  expect(err).toContain(`imported ${inWords}`);
  expect((await store('one', ['export', here('a')], terminal)).err).toContain('writing [');
  expect((await store('one', ['export', here('b'), '-q'], terminal)).err).toBe('');
});

test('a signal erases the progress bar immediately and restores the terminal', async () => {
  const cli = createCli({ terminal: true, size: [100, 30] });
  const exit = cli.swob('store', 'import', file, '--set', `store.url=file:${here('one')}`);
  await cli.err.until('checking [');
  cli.signals.emit('SIGINT');
  const erased = `${String.fromCharCode(27)}[2K`;
  expect(cli.err.text.endsWith(erased)).toBe(true);
  expect(await exit).toBe(130);
  expect(cli.err.text.endsWith(erased)).toBe(true);
  // Cursor and line wrapping are never turned off, because a killed process could not restore them.
  expect(cli.err.text).not.toContain('[?25l');
  expect(cli.err.text).not.toContain('[?7l');
});
