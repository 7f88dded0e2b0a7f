// The index of lines beside a Map, which keeps the order of insertion too.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeyDigest } from '../../../src/store/lowdb/key-digest.ts';
import { createLineIndex, type IndexedLine } from '../../../src/store/lowdb/line-index.ts';
import { effort } from '../../support/effort.ts';

// Few tables and positions, so that digests meet in one place of one table.
const digest = fc.record({ high: fc.constantFrom(0, 256, 1), low: fc.constantFrom(0, 16, 32, 1, 15, 31) });
const line = fc.record({
  segment: fc.nat(3),
  offset: fc.nat(2 ** 32 - 1),
  length: fc.nat(2 ** 32 - 1),
  expiresAt: fc.double({ noNaN: true }),
});
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), digest, line }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), digest }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete oldest' as const) }) },
);

test('has what a Map has, in the order of insertion, after any changes', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const index = createLineIndex();
      const model = new Map<string, IndexedLine>();
      for (const each of commands) {
        if (each.kind === 'delete oldest') {
          index.deleteOldest();
          const [oldest] = model.keys();
          model.delete(oldest ?? '');
        } else {
          const key = JSON.stringify(each.digest);
          model.delete(key);
          if (each.kind === 'set') model.set(key, each.line);
          if (each.kind === 'set') index.set(each.digest, each.line);
          else index.delete(each.digest);
        }
        expect(index.size).toBe(model.size);
        expect(index.oldestExpiry()).toEqual([...model.values()][0]?.expiresAt);
      }
      for (const high of [0, 256, 1]) {
        for (const low of [0, 16, 32, 1, 15, 31]) {
          expect(index.get({ high, low })).toEqual(model.get(JSON.stringify({ high, low })));
        }
      }
      expect(index.segments()).toEqual(new Set([...model.values()].map(({ segment }) => segment)));
      for (const expected of model.values()) {
        expect(index.oldestExpiry()).toEqual(expected?.expiresAt);
        index.deleteOldest();
      }
      expect(index.size).toBe(0);
    }),
    { numRuns: 200 * effort },
  );
});

test('finds each of many keys, and none of the others', () => {
  const digestOf = createKeyDigest();
  const index = createLineIndex();
  const digestOfKey = (key: string) => digestOf(Buffer.from(key), 0, key.length);
  const count = 50_000;
  for (let n = 0; n < count; n++)
    index.set(digestOfKey(`${n}`), { segment: 1, offset: n, length: 1, expiresAt: n });
  expect(index.size).toBe(count);
  for (let n = 0; n < count; n++) {
    expect(index.get(digestOfKey(`${n}`))?.offset).toBe(n);
    expect(index.get(digestOfKey(`x${n}`))).toBeUndefined();
  }
  for (let n = 0; n < count; n++) index.delete(digestOfKey(`${n}`));
  expect(index.size).toBe(0);
  expect(index.segments()).toEqual(new Set());
});

test('a digest depends on each byte, its place, their number and the secret', () => {
  const digestOf = createKeyDigest(Buffer.alloc(8));
  const texts = [
    '',
    'a',
    'b',
    'aa',
    'ab',
    'ba',
    '\u0000',
    '\u0000\u0000',
    'abcdefgh',
    'abcdefgi',
    'bbcdefgh',
  ];
  const digests = texts.map((text) => JSON.stringify(digestOf(Buffer.from(text), 0, text.length)));
  expect(new Set(digests).size).toBe(texts.length);
  const other = createKeyDigest(Buffer.alloc(8, 1));
  expect(other(Buffer.from('a'), 0, 1)).not.toEqual(digestOf(Buffer.from('a'), 0, 1));
  expect(digestOf(Buffer.from('xaby'), 1, 3)).toEqual(digestOf(Buffer.from('ab'), 0, 2));
});
