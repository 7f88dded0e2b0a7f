// Files of `store export` that are damaged, truncated or forged.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SwobError } from '../../../src/errors.ts';
import type { ArchivedRecord } from '../../../src/store/archive/archive.ts';
import { readArchive } from '../../../src/store/archive/file.ts';
import { entry } from '../../contract/outboxes.ts';
import { seed, user } from '../../contract/store.ts';
import { fileOf, randomStore, recordsOf } from '../../support/archives.ts';

const records: ArchivedRecord[] = [
  { kind: 'seeds', record: seed },
  { kind: 'users', record: user },
  { kind: 'inbound', record: entry },
  { kind: 'callbacks', record: { ...entry, content: { url: 'https://example.org', body: '{}' } } },
  { kind: 'receipts', key: 'k', until: 1_648_206_200_000, record: { reply: 'published', history: [] } },
  { kind: 'responses', key: 'a', until: 1_648_206_200_000, record: { request: 'r', body: 'b' } },
];
const names = ['header', ...records.map(({ kind }) => kind), 'end'];
const file = await fileOf(records);
const lines = file.trimEnd().split('\n');

/** Recalculates the digest, as a forger would. */
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

test('reads a file as it was written, in chunks of any size', async () => {
  for (const chunkBytes of [1, 7, 100_000]) expect(await recordsOf(file, chunkBytes)).toEqual(records);
  await fc.assert(
    fc.asyncProperty(randomStore(1_648_206_122_814), fc.integer({ min: 1, max: 500 }), async (some, size) => {
      expect(await recordsOf(await fileOf(some), size)).toEqual(some);
    }),
  );
});

test('reads a file of a version without gateway clients, reliability tests, audited disconnects and outgoing SMS', async () => {
  const {
    clients: _clients,
    tests: _tests,
    disconnects: _disconnects,
    messages: _messages,
    waitingSms: _waitingSms,
    ...counts
  } = JSON.parse(lines.at(-1) ?? '').counts;
  expect(await recordsOf(sealed(lines.slice(0, -1), counts))).toEqual(records);
});

test('writes a file for an empty store, and rejects an empty file', async () => {
  expect(await recordsOf(await fileOf([]))).toEqual([]);
  expect(await faultOf('')).toBe('backup.jsonl: is empty');
});

test('rejects a file that was truncated anywhere', async () => {
  const bytes = Buffer.from(file);
  for (let length = 0; length < bytes.length; length++) await faultOf(bytes.subarray(0, length));
  expect(await faultOf(bytes.subarray(0, -1))).toContain('it was truncated; use the complete file');
  expect(await faultOf(`${lines.slice(0, -1).join('\n')}\n`)).toContain(
    'it was truncated; use the complete file',
  );
});

test('detects any changed byte', async () => {
  const bytes = Buffer.from(file);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await faultOf(changed);
  }
});

describe.each(names.map((name, index) => ({ name, index })))('line $name', ({ name, index }) => {
  test('is rejected when it is missing, repeated or not JSON', async () => {
    await faultOf(`${lines.toSpliced(index, 1).join('\n')}\n`);
    await faultOf(`${lines.toSpliced(index, 0, lines[index] ?? '').join('\n')}\n`);
    if (name === 'end') return;
    for (const bad of ['', '{', 'null', '[]', '"x"', '{}', '\u0000', '\ufeff{}', `${lines[index]} x`]) {
      expect(await faultOf(sealed(withLine(index, bad)))).toMatch(
        new RegExp(`^backup.jsonl line ${index + 1}: `),
      );
    }
  });

  test('is rejected when it lacks a member, or has an unknown one or one of the wrong type', async () => {
    if (name === 'end' || name === 'header') return;
    const complete = JSON.parse(lines[index] ?? '');
    const forged: unknown[] = [
      { ...complete, more: 1 },
      { ...complete, kind: 'sessions' },
      { ...complete, record: null },
    ];
    for (const member of Object.keys(complete))
      forged.push({ ...complete, [member]: undefined }, { ...complete, [member]: {} });
    for (const member of Object.keys(complete.record)) {
      // A user with a single key has no former ones, and one whose keys were never revoked has no revoked ones.
      if (member !== 'formerKeys' && member !== 'revokedKeys')
        forged.push({ ...complete, record: { ...complete.record, [member]: undefined } });
      forged.push({ ...complete, record: { ...complete.record, [member]: { not: 'this' } } });
    }
    for (const each of forged) {
      expect(await faultOf(sealed(withLine(index, JSON.stringify(each))))).toMatch(
        /not a valid record of .*|a record of an unknown kind|no record of a store/,
      );
    }
  });
});

test.each([
  ['another version', { version: 3 }, 'unknown version of the format'],
  ['another format', { format: 'other' }, 'this is not a file of `swob store export`'],
  ['no time', { made: 5 }, 'the header lacks its time'],
])('rejects a header of %s', async (_, change, fault) => {
  const header = { ...JSON.parse(lines[0] ?? ''), ...change };
  expect(await faultOf(sealed(withLine(0, JSON.stringify(header))))).toContain(`line 1: ${fault}`);
});

test('rejects a repeated id, kinds out of order, and wrong counts', async () => {
  const [header = '', first = '', second = ''] = lines;
  const body = lines.slice(3, -1);
  expect(await faultOf(sealed([header, first, first, second, ...body]))).toContain('the id occurs twice in');
  expect(await faultOf(sealed([header, second, first, ...body]))).toContain('seeds must not follow users');
  const { counts } = JSON.parse(lines.at(-1) ?? '');
  expect(await faultOf(sealed(lines.slice(0, -1), { ...counts, users: 2 }))).toContain(
    'the trailer counts 2 users, but the file has 1',
  );
  expect(await faultOf(sealed(lines.slice(0, -1), { ...counts, other: 0 }))).toContain('line 8');
  expect(await faultOf(`${file}${first}\n`)).toContain('there are lines after the trailer');
  expect(await faultOf(file.replace(/"sha256":"../, '"sha256":"zz'))).toContain('the digest does not match');
});

test('rejects invalid UTF-8 and other line ends', async () => {
  const [header = '', , ...body] = lines.slice(0, -1);
  const bad = Buffer.from(lines[1] ?? '');
  bad[bad.indexOf('+')] = 0xff;
  const bytes = Buffer.concat([Buffer.from(`${header}\n`), bad, Buffer.from(`\n${body.join('\n')}\n`)]);
  expect(await faultOf(bytes)).toContain('line 2: not JSON');
  expect(await faultOf(file.replaceAll('\n', '\r\n'))).toContain('the digest does not match');
});

test('does not buffer a line without an end', async () => {
  let given = 0;
  async function* endless() {
    const chunk = Buffer.alloc(64 * 1_024, 'x');
    for (; given < 100 * 1_024 * 1_024; given += chunk.length) yield chunk;
  }
  await expect(readArchive('long', endless()).next()).rejects.toThrow('long: the line exceeds 4194304 bytes');
  expect(given).toBeLessThan(5 * 1_024 * 1_024);
});

test('does not write a record that could not be read again', async () => {
  const large: ArchivedRecord = { kind: 'users', record: { ...user, publicKey: 'x'.repeat(5_000_000) } };
  await expect(fileOf([large])).rejects.toThrow('a record of users exceeds 4194304 bytes');
});

test('reads a file of version 1 under the current names', async () => {
  const former = [
    {
      kind: 'inbound',
      record: {
        id: 'a',
        content: { platform: 'p', msisdn: 'm', text: 't' },
        since: 1,
        dueAt: null,
        attempts: 1,
        life: [{ at: 1, what: 'received' }],
        unknowns: 1,
      },
    },
    { kind: 'published', key: 'k', until: 2, record: { answer: 'accepted', life: [] } },
  ];
  const header = { format: 'swob-store', version: 1, made: '2022-03-25T11:02:02.814Z', by: 'swob 0.1.0' };
  const lines = [header, ...former].map((each) => `${JSON.stringify(each)}\n`).join('');
  const counts = { seeds: 0, users: 0, inbound: 1, callbacks: 0, published: 1, answers: 0 };
  const sha256 = createHash('sha256').update(lines).digest('hex');
  expect(await recordsOf(`${lines}${JSON.stringify({ counts, sha256 })}\n`)).toEqual([
    {
      kind: 'inbound',
      record: {
        id: 'a',
        content: { platform: 'p', msisdn: 'm', text: 't' },
        since: 1,
        dueAt: null,
        attempts: 1,
        history: [{ at: 1, event: 'received' }],
        unknownOutcomes: 1,
      },
    },
    { kind: 'receipts', key: 'k', until: 2, record: { reply: 'accepted', history: [] } },
  ]);
});
