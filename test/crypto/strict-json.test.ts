// The scanner for duplicate members, compared with a reference: the tree that the text was generated from.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findMemberError, largeIntegers } from '../../src/crypto/strict-json.ts';

/** A JSON value whose objects are lists of members, so that a name can occur twice in one. */
type Tree =
  | { readonly members: readonly (readonly [string, Tree])[] }
  | { readonly items: readonly Tree[] }
  | { readonly leaf: string };

const blank = fc.constantFrom('', ' ', '\n', '\t\r\n');
/** Few names, some of them awkward, so that two of a name are common. */
const name = fc.constantFrom('a', 'b', '', ':', '"', '\\', '{', 'é', '\u2028', 'a":1,"a', '\\"a');
const leaf = fc.oneof(
  fc.constantFrom('1', '-0.5e3', 'true', 'null', '"a"', '"a:"', '"\\"a\\":"', '"{[,]}"'),
  fc.string().map((text) => JSON.stringify(text)),
);
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf.map((text) => ({ leaf: text })),
    fc.array(fc.tuple(name, tie('tree')), { maxLength: 4 }).map((members) => ({ members })),
    fc.array(tie('tree'), { maxLength: 3 }).map((items) => ({ items })),
  ),
}));

/** Each name as JSON.stringify has it, or with every character as \uXXXX. */
function written(value: Tree, gap: string, escaped: boolean): string {
  if ('leaf' in value) return value.leaf;
  if ('items' in value)
    return `[${gap}${value.items.map((item) => written(item, gap, escaped)).join(`${gap},${gap}`)}]`;
  const members = value.members.map(([key, member], index) => {
    const quoted = escaped && index % 2 === 1 ? `"${escapes(key)}"` : JSON.stringify(key);
    return `${quoted}${gap}:${gap}${written(member, gap, escaped)}`;
  });
  return `{${members.join(`${gap},`)}${gap}}`;
}
const escapes = (key: string) =>
  [...key].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

function hasTwins(value: Tree): boolean {
  if ('leaf' in value) return false;
  if ('items' in value) return value.items.some(hasTwins);
  const names = value.members.map(([key]) => key);
  return new Set(names).size < names.length || value.members.some(([, member]) => hasTwins(member));
}

test('finds a name that occurs twice in one object, and nothing else', () => {
  const found = { yes: 0, no: 0 };
  fc.assert(
    fc.property(tree, blank, fc.boolean(), (value, gap, escaped) => {
      const text = written(value, gap, escaped);
      JSON.parse(text);
      const expected = hasTwins(value);
      found[expected ? 'yes' : 'no']++;
      expect(findMemberError(text)?.endsWith('twice') ?? false).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(found.yes, found.no)).toBeGreaterThan(100);
});

test('finds no error in what JSON.stringify writes', () => {
  const plain = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(plain, (text) => {
      fc.pre(!/"(__proto__|constructor)"/.test(text));
      expect(findMemberError(text)).toBeUndefined();
    }),
  );
});

test('distinguishes a forbidden name from a value of the same text', () => {
  expect(findMemberError('{"a":"__proto__","b":["constructor"]}')).toBeUndefined();
  expect(findMemberError('{"a":[{"__proto__" : 1}]}')).toBe('has a member __proto__');
  expect(findMemberError('{"\\u0063onstructor":1}')).toBe('has a member constructor');
});

test('finds whole numbers above 2^53 digit for digit, however the text around them is written', () => {
  const digits = fc.bigInt({ min: 2n ** 53n, max: 10n ** 70n }).map(String);
  const exact = fc.integer({ min: -5, max: 2 ** 53 - 1 }).map(String);
  const lossy = digits.map((text) => `${text}.5`);
  const signed = digits.map((text) => `-${text}`);
  const inside = digits.map((text) => `{"b":${text}}`);
  const quoted = digits.map((text) => `"${text}"`);
  const other = fc.oneof(exact, lossy, signed, inside, quoted, leaf);
  fc.assert(
    fc.property(digits, other, blank, fc.boolean(), (whole, rest, space, first) => {
      const members = [`"a"${space}:${space}${whole}${space}`, `"c"${space}:${space}${rest}`];
      const json = `${space}{${(first ? members : members.reverse()).join(`,${space}`)}}`;
      expect(largeIntegers(json)).toEqual({ a: whole });
    }),
  );
});
