// The keys of phone numbers. Part of the table in schema.ts.

import { defineKey, oneOf, type ValueType } from './value-types.ts';

let countryNames: Intl.DisplayNames | undefined;

/** Whether it is the ISO 3166 code of a country, in upper case. */
export function isCountryCode(code: string): boolean {
  if (!/^[A-Z]{2}$/.test(code)) return false;
  // Not at the import: loading the names takes a quarter of Node's own start, and every command reads the configuration.
  countryNames ??= new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  return countryNames.of(code) !== undefined;
}

/** ISO 3166 code of a country, in upper case; empty for none. */
const countryType: ValueType<string> = {
  name: 'ISO country code',
  parse: (text) => {
    const code = text.toUpperCase();
    if (code === '' || isCountryCode(code)) return code;
    throw new Error('expected an ISO country code such as CM, or nothing');
  },
  format: (value) => value,
};

export const numberKeys = {
  default_region: defineKey(
    countryType,
    '',
    'Country of phone numbers that are written without a country code, such as CM for 650393369; empty: they are refused.',
  ),
  check: oneOf(
    ['metadata', 'form'],
    'metadata',
    'metadata refuses numbers that do not exist in the numbering plan of their country; form accepts any number with a country code, such as those of machines (M2M).',
  ),
};
