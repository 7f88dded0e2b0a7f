// The scanner for duplicate members, compared with a reference: the tree that the text was generated from.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findMemberError } from '../../src/crypto/strict-json.ts';

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
