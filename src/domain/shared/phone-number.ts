// The result of normalising a phone number as people and phones write it. Used by every capability that takes numbers.

/** Why a text is not accepted as a phone number, with the descriptions for operators. */
export const numberFaults = {
  empty: 'it is empty',
  'too long': 'it is longer than any phone number',
  letters: 'it contains letters, as the sender names of companies do',
  characters: 'it contains characters that no phone number has',
  'short code': 'it is a short code',
  'no country code': 'it has no country code, and there is no default region',
  'former plan': 'it belongs to a numbering plan that has been replaced: such numbers have more digits now',
  unassigned: 'the numbering plan of its country has no such number',
} as const;
export type NumberFault = keyof typeof numberFaults;

/**
 * - `number`: `msisdn` is in E.164 format; two spellings of one number have the same
 * - `invalid`: not a phone number, or not known which one
 */
export type NormalisedNumber =
  | { readonly kind: 'number'; readonly msisdn: string }
  | { readonly kind: 'invalid'; readonly reason: NumberFault };
