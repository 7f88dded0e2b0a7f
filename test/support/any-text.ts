// Arbitrary text of any code points. fast-check's own `unit: 'binary'` takes seconds to create in each file.

import fc from 'fast-check';

/** Without lone surrogates, which are not characters. */
const codePoint = fc
  .oneof(
    fc.integer({ min: 0, max: 0xff }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((value) => String.fromCodePoint(value));

export function anyText(
  lengths: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> {
  return fc.string({ ...lengths, unit: codePoint });
}

/**
 * A text of at least this length, repeated from a shorter one: generating 100,000 characters one by one takes a second.
 */
export function longText({ min, max }: { readonly min: number; readonly max: number }): fc.Arbitrary<string> {
  return fc
    .tuple(anyText({ minLength: 20, maxLength: 200 }), fc.integer({ min, max }))
    .map(([piece, length]) => piece.repeat(Math.ceil(length / piece.length)));
}
