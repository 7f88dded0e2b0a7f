// Lines that are read without parsing: the same key, time and value as by JSON.parse, and none that is damaged.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { readRawLine } from '../../../src/store/lowdb/raw-line.ts';
import { closingLine, headerLine } from '../../../src/store/lowdb/segment-lines.ts';
import { effort } from '../../support/effort.ts';

const time = fc.nat(2 ** 48);
const lineOf = (line: object): Buffer => Buffer.from(withChecksum(JSON.stringify(line)));

test('has the parts of any line, wherever it stands', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), time, fc.json(), fc.nat(9), (key, at, json, before) => {
      const value: unknown = JSON.parse(json);
      const line = lineOf({ key, at, value });
      const bytes = Buffer.concat([Buffer.alloc(before, '"'), line, Buffer.from('\n"')]);
      const found = readRawLine(bytes, before, before + line.length);
      expect(found?.at).toBe(at);
      expect(JSON.parse(`"${bytes.toString('utf8', found?.keyStart, found?.keyStop)}"`)).toBe(key);
      const rest = bytes.toString('utf8', found?.valueStart, before + line.length);
      expect(rest.startsWith(JSON.stringify(value))).toBe(true);
    }),
    { numRuns: 200 * effort },
  );
});

test('has none of a damaged line', () => {
  fc.assert(
    fc.property(fc.string(), time, fc.nat(), fc.nat(7), (key, at, position, bit) => {
      const line = lineOf({ key, at, value: { reply: 'published' } });
      const index = position % line.length;
      const damaged = Buffer.from(line);
      damaged[index] = (damaged[index] ?? 0) ^ (1 << bit);
      expect(readRawLine(damaged, 0, damaged.length)).toBeUndefined();
      expect(readRawLine(line, 0, index)).toBeUndefined();
    }),
    { numRuns: 500 * effort },
  );
});

test.each([
  ['a header', headerLine({ after: null })],
  ['a closing line', closingLine],
  ['another order of members', withChecksum('{"at":1,"key":"a","value":1}')],
  ['a space', withChecksum('{"key":"a", "at":1,"value":1}')],
  ['a fraction', withChecksum('{"key":"a","at":1.5,"value":1}')],
  ['a negative time', withChecksum('{"key":"a","at":-1,"value":1}')],
  ['no time', withChecksum('{"key":"a","at":,"value":1}')],
  ['a time of too many digits', withChecksum('{"key":"a","at":1234567890123456,"value":1}')],
  ['a key that does not end', withChecksum('{"key":"a')],
  ['no text', ''],
])('leaves %s to the parser', (_name, text) => {
  expect(readRawLine(Buffer.from(text), 0, Buffer.byteLength(text))).toBeUndefined();
});
