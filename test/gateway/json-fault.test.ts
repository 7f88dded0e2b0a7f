// Faults of JSON, compared with JSON.parse, and their places.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findJsonFault } from '../../src/gateway/json-fault.ts';
import { escapeControlCharacters } from '../../src/gateway/lenient-json.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(escapeControlCharacters(text));
    return true;
  } catch {
    return false;
  }
};

test('a text has a fault exactly when it is not JSON, control characters in strings aside', () => {
  const valid = fc.json({ maxDepth: 4 });
  const unit = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'u00e9',
    '-',
    '0',
    '1.5',
    'e3',
    '\n',
    ' ',
  );
  const word = fc.constantFrom('true', 'null', '"a"', 'x', '\u0000', '\u00a0', 'é');
  const tokens = fc.array(fc.oneof(unit, word), { maxLength: 12 }).map((units) => units.join(''));
  const damaged = fc
    .tuple(valid, fc.nat(), fc.oneof(unit, fc.constant('')))
    .map(
      ([json, at, insert]) =>
        `${json.slice(0, at % (json.length + 1))}${insert}${json.slice((at + 1) % (json.length + 1))}`,
    );
  fc.assert(
    fc.property(fc.oneof(valid, tokens, damaged), (text) => {
      expect(findJsonFault(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 2_000 },
  );
});

test.for([
  ['', 'expected a value, but the text ends', 1, 1],
  ['{"text":abc}', 'expected a value', 1, 9],
  ['{"text":"a" "MSISDN":"b"}', "expected ',' or '}'", 1, 13],
  ['{\n  "text": "a",\n  MSISDN: "b"}', "expected a member's name in double quotes", 3, 3],
  ['{"text":"a",}', "expected a member's name in double quotes", 1, 13],
  ['{"text" "a"}', "expected ':' after a member's name", 1, 9],
  ['{"text":"abc', 'a string is not closed, but the text ends', 1, 13],
  ['{"text":"\\x"}', 'unknown escape sequence', 1, 10],
  ['{"text":"a\nb",\n}', "expected a member's name in double quotes", 3, 1],
  ['{"a":1}\r\ntrailing', 'more text after the end of the JSON', 2, 1],
  ['[1,2', "expected ',' or ']', but the text ends", 1, 5],
] as const)('%j', ([text, reason, line, column]) => {
  expect(findJsonFault(text)).toEqual({ reason, line, column });
});
