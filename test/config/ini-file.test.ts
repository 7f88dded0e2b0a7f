// The text of a conf.ini, as entries and faults that know their line.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { iniValue, parseIni } from '../../src/config/ini-file.ts';

const values = (text: string) => parseIni(text).entries.map(({ value }) => value);

test('sections, keys and values are read with their lines; comments and empty lines are not', () => {
  const text =
    '; comment\n[api]\nhost = 127.0.0.1\n\n# comment\n[ sync ]\n  port=6996  \nurl=http://a/?b=c\n';
  expect(parseIni(text)).toEqual({
    entries: [
      { section: 'api', key: 'host', value: '127.0.0.1', line: 3 },
      { section: 'sync', key: 'port', value: '6996', line: 7 },
      { section: 'sync', key: 'url', value: 'http://a/?b=c', line: 8 },
    ],
    faults: [],
  });
});

test('a byte order mark and the line ends of Windows change nothing', () => {
  const text = '[api]\nport=1\n\nhost=a\n';
  expect(parseIni(`\uFEFF${text.replaceAll('\n', '\r\n')}`)).toEqual(parseIni(text));
});

describe('values', () => {
  test.each([
    ['"a;b#c"', 'a;b#c'],
    ["'a;b#c'", 'a;b#c'],
    ['a\\;b\\#c', 'a;b#c'],
    ['"say \\"no\\""', 'say "no"'],
    ["'1e3'", '1e3'],
    ['\'{"a":1}\'', '{"a":1}'],
    ['"0010"', '0010'],
    ['""', ''],
    ["''", ''],
    ['', ''],
    ['true', 'true'],
    ['C:\\keys\\public.pem', 'C:\\keys\\public.pem'],
  ])('%s is read as %j', (written, value) => expect(values(`[a]\nb=${written}`)).toEqual([value]));

  test('any text that is written with iniValue reads back as itself', () => {
    const any = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom(
          '"',
          "'",
          ';',
          '#',
          '\\',
          '=',
          '[',
          ']',
          ' ',
          '\n',
          '\r',
          '\t',
          'a',
          '1',
          '\u2028',
        ),
      }),
    );
    fc.assert(
      fc.property(any, (value) => {
        expect(parseIni(`[section]\nkey = ${iniValue(value)}`)).toEqual({
          entries: [{ section: 'section', key: 'key', value, line: 2 }],
          faults: [],
        });
      }),
      { numRuns: 2_000 },
    );
  });

  test('any text at all is read without throwing, and every line is at most one entry or fault', () => {
    const piece = fc.constantFrom(
      '[',
      ']',
      '=',
      '"',
      "'",
      ';',
      '#',
      '\\',
      '\n',
      '\r\n',
      'a',
      'b',
      ' ',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 60 }), (text) => {
        const { entries, faults } = parseIni(text);
        const lines = [...entries, ...faults].map(({ line }) => line);
        expect(new Set(lines).size).toBe(lines.length);
      }),
    );
  });
});

describe('faults', () => {
  test.each([
    ['port', 2, 'neither a [section] nor key = value'],
    ['=6969', 2, 'neither a [section] nor key = value'],
    ['[api', 2, 'neither a [section] nor key = value'],
    ['host=a;b', 2, '[api] host: a ";" or "#" would cut the value; put the value in double quotes'],
    ['host=a # b', 2, '[api] host: a ";" or "#" would cut the value; put the value in double quotes'],
    ['host=a\\\\;b', 2, '[api] host: a ";" or "#" would cut the value; put the value in double quotes'],
    ['host=#', 2, '[api] host: a ";" or "#" would cut the value; put the value in double quotes'],
    ['host="a" ; "b"', 2, '[api] host: the quotes do not match; inside "…" write \\" for " and \\\\ for \\'],
    ["host='a';'b'", 2, '[api] host: the quotes do not match; inside "…" write \\" for " and \\\\ for \\'],
    ['host="C:\\keys"', 2, '[api] host: the quotes do not match; inside "…" write \\" for " and \\\\ for \\'],
    ['host=a\nhost=b', 3, '[api] host stands on line 2 already'],
    ['host=a\n[b]\n[api]\nhost=b', 5, '[api] host stands on line 2 already'],
    ['__proto__=a\n__proto__=b', 3, '[api] __proto__ stands on line 2 already'],
  ])('%j', (text, line, message) => {
    expect(parseIni(`[api]\n${text}`).faults).toEqual([{ line, message }]);
  });

  test('a key before the first section', () => {
    expect(parseIni('port=1\n[api]').faults).toEqual([
      { line: 1, message: 'port stands before the first [section]' },
    ]);
  });

  test('a line that is neither is not repeated: it may hold a secret', () => {
    expect(JSON.stringify(parseIni('[dev_api]\nauth_key hunter2'))).not.toContain('hunter2');
  });
});
