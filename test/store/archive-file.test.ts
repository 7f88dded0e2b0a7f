// Files of `store export` that are damaged, cut short or forged.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SwobError } from '../../src/errors.ts';
import type { ArchivedRecord } from '../../src/store/archive.ts';
import { readArchive } from '../../src/store/archive-file.ts';
import { parcel } from '../contract/outboxes.ts';
import { seed, user } from '../contract/store.ts';
import { fileOf, randomStore, recordsOf } from '../support/archives.ts';

const records: ArchivedRecord[] = [
  { kind: 'seeds', record: seed },
  { kind: 'users', record: user },
  { kind: 'inbound', record: parcel },
  { kind: 'callbacks', record: { ...parcel, content: { url: 'https://example.org', body: '{}' } } },
  { kind: 'published', key: 'k', until: 1_648_206_200_000, record: { answer: 'published', life: [] } },
  { kind: 'answers', key: 'a', until: 1_648_206_200_000, record: { request: 'r', body: 'b' } },
];
const names = ['header', ...records.map(({ kind }) => kind), 'end'];
const file = await fileOf(records);
const lines = file.trimEnd().split('\n');

/** Whole again: whoever forges a file can do that, too. */
function sealed(changed: readonly string[], counts?: object): string {
  const body = changed.map((line) => `${line}\n`).join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  return `${body}${JSON.stringify({ counts: counts ?? JSON.parse(lines.at(-1) ?? '').counts, sha256 })}\n`;
}
const withLine = (index: number, line: string): string[] => lines.slice(0, -1).with(index, line);

async function faultOf(text: string | Buffer, chunkBytes?: number): Promise<string> {
  const error: SwobError = await recordsOf(text, chunkBytes).then(
    () => Promise.reject(new Error('it was taken')),
    (failure: SwobError) => failure,
  );
  expect(error).toMatchObject({ name: 'SwobError', code: 'BAD_INPUT' });
  expect(error.message).not.toContain(user.sharedKey);
  return error.message;
}

test('a file is read as it was written, in chunks of any size', async () => {
  for (const chunkBytes of [1, 7, 100_000]) expect(await recordsOf(file, chunkBytes)).toEqual(records);
  await fc.assert(
    fc.asyncProperty(randomStore(1_648_206_122_814), fc.integer({ min: 1, max: 500 }), async (some, size) => {
      expect(await recordsOf(await fileOf(some), size)).toEqual(some);
    }),
  );
});

test('an empty store has a file, and an empty file is none', async () => {
  expect(await recordsOf(await fileOf([]))).toEqual([]);
  expect(await faultOf('')).toBe('backup.jsonl: is empty');
});

test('a file that is cut short is refused, wherever that is', async () => {
  const bytes = Buffer.from(file);
  for (let length = 0; length < bytes.length; length++) await faultOf(bytes.subarray(0, length));
  expect(await faultOf(bytes.subarray(0, -1))).toContain('it was cut short; take the whole file');
  expect(await faultOf(`${lines.slice(0, -1).join('\n')}\n`)).toContain(
    'it was cut short; take the whole file',
  );
});

test('a changed byte is found, whichever it is', async () => {
  const bytes = Buffer.from(file);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await faultOf(changed);
  }
});

describe.each(names.map((name, index) => ({ name, index })))('line $name', ({ name, index }) => {
  test('that is missing, doubled or no JSON', async () => {
    await faultOf(`${lines.toSpliced(index, 1).join('\n')}\n`);
    await faultOf(`${lines.toSpliced(index, 0, lines[index] ?? '').join('\n')}\n`);
    if (name === 'end') return;
    for (const bad of ['', '{', 'null', '[]', '"x"', '{}', '\u0000', '\ufeff{}', `${lines[index]} x`]) {
      expect(await faultOf(sealed(withLine(index, bad)))).toMatch(
        new RegExp(`^backup.jsonl line ${index + 1}: `),
      );
    }
  });

  test('that lacks any of its members, has another or one of another type', async () => {
    if (name === 'end' || name === 'header') return;
    const whole = JSON.parse(lines[index] ?? '');
    const forged: unknown[] = [
      { ...whole, more: 1 },
      { ...whole, kind: 'sessions' },
      { ...whole, record: null },
    ];
    for (const member of Object.keys(whole))
      forged.push({ ...whole, [member]: undefined }, { ...whole, [member]: {} });
    for (const member of Object.keys(whole.record)) {
      // Which an SMS need not have, and a parcel that was given up has not.
      forged.push({ ...whole, record: { ...whole.record, [member]: undefined } });
      forged.push({ ...whole, record: { ...whole.record, [member]: { not: 'this' } } });
    }
    for (const each of forged) {
      expect(await faultOf(sealed(withLine(index, JSON.stringify(each))))).toMatch(
        /what a record of .* looks like|of a kind that is not known|no record of a store/,
      );
    }
  });
});

test.each([
  ['another version', { version: 2 }, 'a version of the format that is not known here'],
  ['another format', { format: 'other' }, 'not a file of `swob store export`'],
  ['no time', { made: 5 }, 'the header does not say when it was made'],
])('a header of %s', async (_, change, fault) => {
  const header = { ...JSON.parse(lines[0] ?? ''), ...change };
  expect(await faultOf(sealed(withLine(0, JSON.stringify(header))))).toContain(`line 1: ${fault}`);
});

test('an id that comes twice, kinds out of order, and counts that are wrong', async () => {
  const [header = '', first = '', second = ''] = lines;
  const body = lines.slice(3, -1);
  expect(await faultOf(sealed([header, first, first, second, ...body]))).toContain('is there already');
  expect(await faultOf(sealed([header, second, first, ...body]))).toContain('seeds after users');
  const { counts } = JSON.parse(lines.at(-1) ?? '');
  expect(await faultOf(sealed(lines.slice(0, -1), { ...counts, users: 2 }))).toContain(
    '2 users are counted, but 1 are there',
  );
  expect(await faultOf(sealed(lines.slice(0, -1), { ...counts, other: 0 }))).toContain('line 8');
  expect(await faultOf(`${file}${first}\n`)).toContain('more after what says that it is the last line');
  expect(await faultOf(file.replace(/"sha256":"../, '"sha256":"zz'))).toContain('the digest is not that');
});

test('bytes that are no UTF-8, and other line ends', async () => {
  const [header = '', , ...body] = lines.slice(0, -1);
  const bad = Buffer.from(lines[1] ?? '');
  bad[bad.indexOf('+')] = 0xff;
  const bytes = Buffer.concat([Buffer.from(`${header}\n`), bad, Buffer.from(`\n${body.join('\n')}\n`)]);
  expect(await faultOf(bytes)).toContain('line 2: not JSON');
  expect(await faultOf(file.replaceAll('\n', '\r\n'))).toContain('the digest is not that');
});

test('a line without an end takes no memory', async () => {
  let given = 0;
  async function* endless() {
    const chunk = Buffer.alloc(64 * 1_024, 'x');
    for (; given < 100 * 1_024 * 1_024; given += chunk.length) yield chunk;
  }
  await expect(readArchive('long', endless()).next()).rejects.toThrow(
    'long: a line of more than 4194304 bytes',
  );
  expect(given).toBeLessThan(5 * 1_024 * 1_024);
});

test('a record that could not be read again is not written', async () => {
  const large: ArchivedRecord = { kind: 'users', record: { ...user, publicKey: 'x'.repeat(5_000_000) } };
  await expect(fileOf([large])).rejects.toThrow('a record of users has more than 4194304 bytes');
});
