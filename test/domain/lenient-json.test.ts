// JSON with raw control characters in its strings, as shell scripts send it to the handshake.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeRawControls } from '../../src/gateway/lenient-json.ts';

// Strings of what matters to the scanner: quotes, backslashes, control characters, and any other text.
const unit = fc.oneof(
  fc.constantFrom('"', '\\', '\n', '\r', '\t', '\0', '\u001f', '/', 'u', 'n', '{', ' '),
  fc.string({ unit: 'binary', maxLength: 3 }),
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

test('JSON with raw control characters in strings means what it would with escapes', () => {
  fc.assert(
    fc.property(value, (data) => {
      expect(JSON.parse(escapeRawControls(rawJson(data)))).toEqual(JSON.parse(JSON.stringify(data)));
    }),
    { numRuns: 500 },
  );
});

test('valid JSON is left as it is', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2, '\t'), (data, indent) => {
      const json = JSON.stringify(data, null, indent);
      expect(escapeRawControls(json)).toBe(json);
    }),
    { numRuns: 500 },
  );
});

test('whatever comes in, control characters outside strings are no more allowed than before', () => {
  fc.assert(
    fc.property(text, (input) => {
      const outside = (json: string) => json.replace(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)/g, '""');
      expect(outside(escapeRawControls(input))).toBe(outside(input));
    }),
    { numRuns: 1_000 },
  );
});

test('what is cut short stays no JSON', () => {
  const pem = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n';
  const json = `{"public_key":"${pem}"}`;
  expect(JSON.parse(escapeRawControls(json))).toEqual({ public_key: pem });
  for (let length = 0; length < json.length; length++) {
    expect(() => JSON.parse(escapeRawControls(json.slice(0, length)))).toThrow(SyntaxError);
  }
  expect(() => JSON.parse(escapeRawControls('{"a":"\\\n"}'))).toThrow(SyntaxError);
});
