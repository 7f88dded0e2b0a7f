// Normalises phone numbers to E.164, so that every spelling of a number has the same identity. Used by telecom.ts.

import parsePhoneNumber, {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  type PhoneNumber,
} from 'libphonenumber-js/max';
import type { NormalisedNumber, NumberFault } from '../domain/shared/phone-number.ts';
import { SwobError } from '../errors.ts';
import { createLruCache } from '../lib/lru-cache.ts';
import { isOfFormerPlan } from './former-plans.ts';
import { type NumberText, readNumberText } from './number-text.ts';

/**
 * - `metadata`: only numbers that the numbering plan of their country has
 * - `form`: also other numbers that are written with their country code, such as those of machines
 */
type NumberCheck = 'metadata' | 'form';

export interface NormaliserOptions {
  /** ISO 3166 code of the country of numbers that are written without a country code; '' means none. */
  readonly defaultRegion: string;
  readonly check: NumberCheck;
}

/** Cached texts: gateway clients and lists of recipients repeat the same ones. */
const maxCached = 20_000;
/** Characters of a cached text, which bounds the bytes of the cache; usual spellings are shorter. */
const maxCachedLength = 24;
/** Digits of the longest usual short code. */
const maxShortCodeLength = 6;
const maxDigits = 15;
const e164 = /^\+[1-9]\d{1,14}$/;
/** The form of E.164, with the digits that the shortest numbers of any country have. */
const e164Form = /^\+[1-9]\d{6,14}$/;
/** What libphonenumber takes for a number of a mobile phone; some plans do not distinguish mobile from fixed numbers. */
const mobileTypes: readonly unknown[] = ['MOBILE', 'FIXED_LINE_OR_MOBILE'];

/** Throws CONFIG when there is no numbering plan of the default region. */
export function createNormaliser(options: NormaliserOptions): (text: string) => NormalisedNumber {
  const region = regionOf(options.defaultRegion);
  const cache = createLruCache<NormalisedNumber>(maxCached);

  const normalise = (text: string): NormalisedNumber => {
    // Most clients send this form, which needs no cleaning.
    const read = e164.test(text) ? { digits: text, withoutTrunkPrefix: undefined } : readNumberText(text);
    if (typeof read === 'string') return { kind: 'invalid', reason: read };
    const international = internationalText(read);
    const msisdn = international
      ? internationalNumber(international, options.check)
      : nationalNumber(read.digits, region);
    if (msisdn !== undefined) return { kind: 'number', msisdn };
    return { kind: 'invalid', reason: faultOf(read.digits, international?.digits, region) };
  };

  return (text) => {
    if (text.length > maxCachedLength) return normalise(text);
    // Not `get`, which moves the entry: a number that is evicted too early is read again, in 10 µs.
    const known = cache.peek(text);
    if (known) return known;
    const result = normalise(text);
    // Copies the text, because a slice of a request would keep the whole body in memory.
    cache.set(Buffer.from(text).toString(), result);
    return result;
  };
}

/** The number as libphonenumber parses it, valid or not. */
export function parseE164(msisdn: string): PhoneNumber | undefined {
  return e164.test(msisdn) ? parsePhoneNumber(msisdn, { extract: false }) : undefined;
}

function regionOf(code: string): CountryCode | undefined {
  if (code === '') return undefined;
  if (isSupportedCountry(code)) return code;
  throw new SwobError(
    'CONFIG',
    `[numbers] default_region = ${code}: there is no numbering plan of this country`,
  );
}

/** The text with a `+` instead of the prefix `00`; undefined when it has neither. */
function internationalText({ digits, withoutTrunkPrefix }: NumberText): NumberText | undefined {
  if (digits.startsWith('+')) return { digits, withoutTrunkPrefix };
  if (!digits.startsWith('00')) return undefined;
  const replaced = (text: string): string => `+${text.slice(2)}`;
  return { digits: replaced(digits), withoutTrunkPrefix: withoutTrunkPrefix && replaced(withoutTrunkPrefix) };
}

function internationalNumber(
  { digits, withoutTrunkPrefix }: NumberText,
  check: NumberCheck,
): string | undefined {
  const parsed = parseE164(digits);
  // As written first: the zero belongs to the number in Italy, for example.
  const valid = validNumber(parsed) ?? validNumber(parseE164(withoutTrunkPrefix ?? withoutZero(parsed)));
  if (valid !== undefined || check === 'metadata') return valid;
  const form = withoutTrunkPrefix ?? digits;
  return e164Form.test(form) ? form : undefined;
}

/** The number without the zero after its country code, which people keep who know only its national form. */
function withoutZero(number: PhoneNumber | undefined): string {
  return number?.nationalNumber.startsWith('0')
    ? `+${number.countryCallingCode}${number.nationalNumber.slice(1)}`
    : '';
}

/**
 * Numbers of mobile phones first, as a text may be a national number of one country and an international one, without
 * `+`, of another.
 */
function nationalNumber(digits: string, region: CountryCode | undefined): string | undefined {
  const national = region && parsePhoneNumber(digits, { defaultCountry: region, extract: false });
  if (isMobile(national)) return validNumber(national);
  const international = parseE164(`+${digits}`);
  if (isMobile(international)) return validNumber(international);
  if (!region) return undefined;
  // Where the plan has no trunk prefix, some people write a zero as they do elsewhere.
  const withoutTrunkZero = digits.startsWith('0') ? digits.slice(1) : '';
  return (
    validNumber(national) ??
    validNumber(parsePhoneNumber(withoutTrunkZero, { defaultCountry: region, extract: false }))
  );
}

function isMobile(number: PhoneNumber | undefined): boolean {
  return number?.isValid() === true && mobileTypes.includes(number.getType());
}

/** In E.164 format; undefined when it is not valid. */
function validNumber(number: PhoneNumber | undefined): string | undefined {
  return number?.isValid() && e164.test(number.number) ? number.number : undefined;
}

function faultOf(
  digits: string,
  international: string | undefined,
  region: CountryCode | undefined,
): NumberFault {
  if (international === undefined && digits.length <= maxShortCodeLength) return 'short code';
  const withCountry = international?.slice(1) ?? (region && `${getCountryCallingCode(region)}${digits}`);
  if ((withCountry ?? digits).length > maxDigits) return 'too long';
  if (isOfFormerPlan(withCountry ?? digits) || isOfFormerPlan(digits)) return 'former plan';
  return withCountry === undefined ? 'no country code' : 'unassigned';
}
