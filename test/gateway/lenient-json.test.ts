// JSON with raw control characters in its strings, as shell scripts send it to the handshake.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeControlCharacters } from '../../src/gateway/lenient-json.ts';
import { anyText } from '../support/any-text.ts';

// Strings with the characters that matter to the scanner (quotes, backslashes, control characters) and others.
const unit = fc.oneof(
  fc.constantFrom('"', '\\', '\n', '\r', '\t', '\0', '\u001f', '/', 'u', 'n', '{', ' '),
  anyText({ maxLength: 3 }),
);
const text = fc.array(unit, { maxLength: 20 }).map((units) => units.join(''));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));

/** JSON whose strings hold their control characters raw, written without JSON.stringify's escapes. */
function rawJson(data: unknown): string {
  if (typeof data === 'string') return `"${data.replace(/["\\]/g, '\\$&')}"`;
  if (Array.isArray(data)) return `[\n${data.map(rawJson).join(',\t')}]`;
  if (typeof data === 'object' && data !== null) {
    return `{\r\n${Object.entries(data)
      .map(([name, member]) => `${rawJson(name)} :\n${rawJson(member)}`)
      .join(',')}}`;
  }
  return JSON.stringify(data);
}

test('JSON with raw control characters in strings has the same value as with escapes', () => {
  fc.assert(
    fc.property(value, (data) => {
      expect(JSON.parse(escapeControlCharacters(rawJson(data)))).toEqual(JSON.parse(JSON.stringify(data)));
    }),
    { numRuns: 500 },
  );
});

test('valid JSON stays unchanged', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2, '\t'), (data, indent) => {
      const json = JSON.stringify(data, null, indent);
      expect(escapeControlCharacters(json)).toBe(json);
    }),
    { numRuns: 500 },
  );
});

test('control characters outside strings stay as invalid as before, whatever the text', () => {
  fc.assert(
    fc.property(text, (input) => {
      const outside = (json: string) => json.replace(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)/g, '""');
      expect(outside(escapeControlCharacters(input))).toBe(outside(input));
    }),
    { numRuns: 1_000 },
  );
});

test('truncated JSON stays invalid', () => {
  const pem = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n';
  const json = `{"public_key":"${pem}"}`;
  expect(JSON.parse(escapeControlCharacters(json))).toEqual({ public_key: pem });
  for (let length = 0; length < json.length; length++) {
    expect(() => JSON.parse(escapeControlCharacters(json.slice(0, length)))).toThrow(SyntaxError);
  }
  expect(() => JSON.parse(escapeControlCharacters('{"a":"\\\n"}'))).toThrow(SyntaxError);
});
