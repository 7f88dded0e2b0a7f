// Encoding and parts of SMS, against the alphabet of 3GPP TS 23.038 and the sizes of TS 23.040.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countSmsParts } from '../../src/telecom/sms-parts.ts';

const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Each takes two septets, which stay in one part. */
const extension = '\f^{}\\[~]|€';
const alphabet = [...basic, ...extension];

/** Parts of units that must not be divided. */
function model(sizes: readonly number[], single: number, part: number): number {
  if (sizes.reduce((sum, size) => sum + size, 0) <= single) return 1;
  let [parts, used] = [1, 0];
  for (const size of sizes) {
    if (used + size > part) [parts, used] = [parts + 1, 0];
    used += size;
  }
  return parts;
}

const gsmParts = (text: string): number =>
  model(
    [...text].map((char) => (extension.includes(char) ? 2 : 1)),
    160,
    153,
  );
const unicodeParts = (text: string): number =>
  model(
    [...text].map((char) => char.length),
    70,
    67,
  );

describe('countSmsParts', () => {
  test.each([
    ['', 'GSM-7', 1],
    ['hello', 'GSM-7', 1],
    ['x'.repeat(160), 'GSM-7', 1],
    ['x'.repeat(161), 'GSM-7', 2],
    ['x'.repeat(306), 'GSM-7', 2],
    ['x'.repeat(307), 'GSM-7', 3],
    ['€'.repeat(80), 'GSM-7', 1],
    [`${'x'.repeat(152)}€${'x'.repeat(151)}`, 'GSM-7', 2],
    [`${'x'.repeat(152)}€${'x'.repeat(152)}`, 'GSM-7', 3],
    [`${'x'.repeat(152)}€${'x'.repeat(7)}`, 'GSM-7', 2],
    ['п'.repeat(70), 'UCS-2', 1],
    ['п'.repeat(71), 'UCS-2', 2],
    [`${'п'.repeat(66)}😀${'п'.repeat(65)}`, 'UCS-2', 2],
    ['ç', 'UCS-2', 1],
    ['\t', 'UCS-2', 1],
    ['\0', 'UCS-2', 1],
  ])('%#: splits as phones do', (text, encoding, parts) => {
    expect(countSmsParts(text)).toEqual({ encoding, parts });
  });

  test('GSM-7 is what has only characters of the default alphabet and its extension', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 700 }), (text) => {
        expect(countSmsParts(text)).toEqual({ encoding: 'GSM-7', parts: gsmParts(text) });
      }),
    );
    for (let code = 0; code < 0x10000; code += 1) {
      const char = String.fromCharCode(code);
      const encoding = alphabet.includes(char) ? 'GSM-7' : 'UCS-2';
      if (countSmsParts(char).encoding !== encoding) expect.fail(`U+${code.toString(16)} is not ${encoding}`);
    }
  });

  test('any other text is UCS-2, without dividing a surrogate pair', () => {
    const mixed = fc.string({ unit: fc.constantFrom('a', 'п', '😀', '€', '語'), maxLength: 300 });
    fc.assert(
      fc.property(mixed, (text) => {
        expect(countSmsParts(`${text}語`)).toEqual({ encoding: 'UCS-2', parts: unicodeParts(`${text}語`) });
      }),
    );
  });
});
