// `swob store export` and `import` on stores in folders: what they refuse, what they write, and what they say.

import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ArchivedRecord } from '../../src/store/archive.ts';
import { parcel } from '../contract/outboxes.ts';
import { seed, user } from '../contract/store.ts';
import { openStore } from '../store/lowdb-support.ts';
import { fileOf } from '../support/archives.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type CliOptions, createCli } from './harness.ts';

const now = createFakeClock().now();
const records: ArchivedRecord[] = [
  { kind: 'seeds', record: seed },
  { kind: 'users', record: user },
  { kind: 'inbound', record: parcel },
  { kind: 'published', key: 'gone', until: now, record: { answer: 'published', life: [] } },
  { kind: 'published', key: 'k', until: now + 60_000, record: { answer: 'published', life: [] } },
];
const counts = { seeds: 1, users: 1, inbound: 1, callbacks: 0, published: 1, answers: 0 };
const inWords = '1 seed, 1 user, 1 inbound SMS, 1 receipt';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder, 'given.jsonl');
  writeFileSync(file, await fileOf(records));
});

/** Runs `swob store …` on the store in that folder. */
async function store(name: string, argv: readonly string[], options: CliOptions = {}) {
  const cli = createCli(options);
  const code = await cli.swob('store', ...argv, '--set', `store.url=file:${join(folder, name)}`);
  return { code, out: cli.out.text, err: cli.err.text };
}
const here = (name: string): string => join(folder, name);
const linesIn = (text: string): string[] => text.split('\n').slice(1, -2).toSorted();

test('a file goes into a store, out of it and into another one by a pipe', async () => {
  const imported = await store('one', ['import', file, '--json']);
  expect(imported).toEqual({
    code: 0,
    out: `${JSON.stringify({ counts, over: 1, changed: 0 })}\n`,
    err: `imported ${inWords} into file:${here('one')}, read back and compared\nleft out: 1 whose time was over\n`,
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
  test('tells a terminal that it wants a file', async () => {
    await store('one', ['import', file]);
    const { code, out, err } = await store('one', ['export'], { terminal: true });
    expect([code, out]).toEqual([64, '']);
    expect(err).toContain('stdout is a terminal, and what is exported holds keys: name a file for it');
  });

  test('leaves a file that is there, unless it is forced, and makes it private then', async () => {
    await store('one', ['import', file]);
    const backup = here('backup.jsonl');
    writeFileSync(backup, 'mine');
    chmodSync(backup, 0o644);
    expect(await store('one', ['export', backup])).toMatchObject({
      code: 78,
      err: `swob: ${backup} is there already; --force replaces it\n`,
    });
    expect(readFileSync(backup, 'utf8')).toBe('mine');
    expect((await store('one', ['export', backup, '--force'])).code).toBe(0);
    expect(readFileSync(backup, 'utf8')).toContain('swob-store');
    expect(statSync(backup).mode & 0o777).toBe(0o600);
  });

  test('refuses what is no store, and no place for a file, and leaves nothing', async () => {
    expect((await store('none', ['export', here('x')])).err).toContain(
      'is no store that swob can read (no meta.json there)',
    );
    await store('one', ['import', file]);
    for (const bad of [folder, join(folder, 'no', 'such')]) {
      expect(await store('one', ['export', bad, '--force'])).toMatchObject({ code: 78 });
    }
    expect(readdirSync(folder).toSorted()).toEqual(['given.jsonl', 'one']);
  });

  test('says which record is damaged, and leaves no file', async () => {
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
  test('refuses a store that holds something, but merges when it may, and again with the same end', async () => {
    await store('one', ['import', file]);
    expect(await store('one', ['import', file])).toMatchObject({
      code: 78,
      err: `swob: file:${here('one')} holds ${inWords}; --merge adds the file to that, and replaces what has the same id\n`,
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

  test('that merges more than is remembered lets the oldest give way', async () => {
    await store('one', ['import', file]);
    const memo = (n: number): ArchivedRecord => {
      const record = { answer: 'published', life: [] } as const;
      return { kind: 'published', key: `m${n}`, until: now + 70_000 + n, record };
    };
    writeFileSync(file, await fileOf([memo(1), memo(2)]));
    const smaller = ['--set', 'publisher.max_remembered=2'];
    expect(await store('one', ['import', file, '--merge', '--json', ...smaller])).toMatchObject({ code: 0 });
    writeFileSync(file, await fileOf([memo(3), memo(4)]));
    const { code, out } = await store('one', ['import', file, '--merge', '--json', ...smaller]);
    expect([code, JSON.parse(out)]).toMatchObject([0, { counts: { published: 2 }, changed: 0 }]);
    const text = (await store('one', ['export', '-'])).out;
    expect(text).toContain('"m4"');
    expect(text).not.toContain('"k"');
  });

  test('writes nothing, and makes no store, when the file is not whole', async () => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, -5));
    expect(await store('one', ['import', file])).toMatchObject({
      code: 65,
      err: `swob: ${file} line 7: ends before its last line: it was cut short; take the whole file\n`,
    });
    expect(await store('one', ['import', '-'], { stdin: text.replace('+237', '+238') })).toMatchObject({
      code: 65,
      err: 'swob: stdin line 7: the digest is not that of the lines before it\n',
    });
    expect(existsSync(here('one'))).toBe(false);
  });

  test('refuses what has no room here, before it writes', async () => {
    const { code, err } = await store('one', ['import', file, '--set', 'publisher.max_remembered=1']);
    expect(code).toBe(78);
    expect(err).toContain(
      'the file has 2 of published, and this configuration keeps 1 at most; raise [publisher] max_remembered',
    );
    expect((await store('one', ['export', '-'])).out.split('\n')).toHaveLength(3);
  });

  test('that waits for its input ends by a signal, and leaves nothing', async () => {
    const cli = createCli({ stdin: new Readable({ read: () => void cli.signals.emit('SIGINT') }) });
    expect(await cli.swob('store', 'import', '-', '--set', `store.url=file:${here('one')}`)).toBe(130);
    expect(existsSync(here('one'))).toBe(false);
  });

  test('says which file it cannot read', async () => {
    for (const bad of [here('none'), folder]) {
      const { code, err } = await store('one', ['import', bad]);
      expect([code, err.startsWith(`swob: cannot read ${bad}: `)]).toEqual([78, true]);
    }
  });
});

test.each(['export', 'import'])(
  '%s says who has the store, and that memory: keeps nothing',
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
    expect(cli.err.text).toContain('memory: keeps nothing that could be carried');
  },
);

test('a terminal is shown how far it is, and nothing when it is to be quiet', async () => {
  const terminal = { terminal: true, size: [100, 30] as const };
  const { err } = await store('one', ['import', file], terminal);
  for (const step of ['checking', 'writing', 'reading back']) expect(err).toContain(`${step} [`);
  expect(err).toContain(`imported ${inWords}`);
  expect((await store('one', ['export', here('a')], terminal)).err).toContain('writing [');
  expect((await store('one', ['export', here('b'), '-q'], terminal)).err).toBe('');
});
