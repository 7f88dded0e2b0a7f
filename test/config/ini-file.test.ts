// The text of a conf.ini, parsed to entries and errors with their lines.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { iniValue, parseIni } from '../../src/config/ini-file.ts';
import { anyText } from '../support/any-text.ts';

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
    errors: [],
  });
});

test('a byte order mark and Windows line ends change nothing', () => {
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

  test('any text written with iniValue is read back unchanged', () => {
    const any = fc.oneof(
      fc.string(),
      anyText(),
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
        // Not with expect, which takes longer for 2,000 of these than all other tests of the folder.
        const { entries, errors } = parseIni(`[section]\nkey = ${iniValue(value)}`);
        return errors.length === 0 && entries.length === 1 && entries[0]?.value === value;
      }),
      { numRuns: 2_000 },
    );
  });

  test('any text is read without throwing, and every line gives at most one entry or error', () => {
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
        const { entries, errors } = parseIni(text);
        const lines = [...entries, ...errors].map(({ line }) => line);
        expect(new Set(lines).size).toBe(lines.length);
      }),
    );
  });
});

describe('errors', () => {
  test.each([
    ['port', 2, 'expected [section] or key = value'],
    ['=6969', 2, 'expected [section] or key = value'],
    ['[api', 2, 'expected [section] or key = value'],
    ['host=a;b', 2, '[api] host: a ";" or "#" would start a comment; put the value in double quotes'],
    ['host=a # b', 2, '[api] host: a ";" or "#" would start a comment; put the value in double quotes'],
    ['host=a\\\\;b', 2, '[api] host: a ";" or "#" would start a comment; put the value in double quotes'],
    ['host=#', 2, '[api] host: a ";" or "#" would start a comment; put the value in double quotes'],
    ['host="a" ; "b"', 2, '[api] host: the quotes do not match; inside "…" write " as \\" and \\ as \\\\'],
    ["host='a';'b'", 2, '[api] host: the quotes do not match; inside "…" write " as \\" and \\ as \\\\'],
    ['host="C:\\keys"', 2, '[api] host: the quotes do not match; inside "…" write " as \\" and \\ as \\\\'],
    ['host=a\nhost=b', 3, '[api] host is already set on line 2; remove one of the two'],
    ['host=a\n[b]\n[api]\nhost=b', 5, '[api] host is already set on line 2; remove one of the two'],
    ['__proto__=a\n__proto__=b', 3, '[api] __proto__ is already set on line 2; remove one of the two'],
  ])('%j', (text, line, message) => {
    expect(parseIni(`[api]\n${text}`).errors).toEqual([{ line, message }]);
  });

  test('a key before the first section', () => {
    expect(parseIni('port=1\n[api]').errors).toEqual([
      { line: 1, message: 'port is set before the first [section]; move it into a section' },
    ]);
  });

  test('an error does not repeat its line, which may hold a secret', () => {
    expect(JSON.stringify(parseIni('[dev_api]\nauth_key hunter2'))).not.toContain('hunter2');
  });
});
