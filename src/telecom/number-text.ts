// Reads the digits of a phone number as people and phones write it. Used by normaliser.ts.

import { parseIncompletePhoneNumber } from 'libphonenumber-js/max';
import type { NumberFault } from '../domain/shared/phone-number.ts';

/** Characters; bounds the work for a text of strangers. */
const maxTextLength = 64;
/** The longest number of E.164, after the longest international prefix and a trunk prefix. */
const maxDigits = 20;

/** ASCII digits, of which the first may be a `+`. */
export interface NumberText {
  readonly digits: string;
  /** The same without the `(0)` that follows a country code, as in `+44(0)20`; undefined when there is none. */
  readonly withoutTrunkPrefix: string | undefined;
}

/** Letters and digits in full width and of mathematical alphabets become plain ones, digits of Arabic scripts stay. */
export function readNumberText(text: string): NumberText | NumberFault {
  if (text.length > maxTextLength) return 'too long';
  // Format characters are invisible: direction marks of address books, zero-width spaces, byte-order marks.
  const plain = text
    .normalize('NFKC')
    .replace(/\p{Cf}+/gu, '')
    .trim();
  if (plain === '') return 'empty';
  if (/\p{L}/u.test(plain)) return 'letters';
  // Line breaks inside a number are a way to inject a line, not to write a number.
  if (!/^\(?\+?[0-9\u0660-\u0669\u06f0-\u06f9\t\p{Zs}\p{Pd}\u2212.()/·]+$/u.test(plain)) return 'characters';
  const digits = parseIncompletePhoneNumber(plain);
  if (!/\d/.test(digits)) return 'characters';
  if (digits.length > maxDigits) return 'too long';
  const [, before, after] = /^(.*?\d.*?)\(0\)(.*)$/s.exec(plain) ?? [];
  const withoutTrunkPrefix =
    before === undefined ? undefined : parseIncompletePhoneNumber(`${before}${after}`);
  return { digits, withoutTrunkPrefix };
}
