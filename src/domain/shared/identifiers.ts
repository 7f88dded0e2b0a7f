// The format of identifiers, in testing and in production (docs/protocol.md, "Identifiers").

import type { NormalisedNumber } from './phone-number.ts';

export type ApiState = 'testing' | 'production';

/** Patterns for regular expressions and JSON schemas. */
export interface IdentifierPatterns {
  readonly imsi: string;
  readonly userId: string;
  readonly sessionId: string;
}

// `.` and `..` are never user ids, because clients and proxies resolve them as path segments.
const patterns: Record<ApiState, IdentifierPatterns> = {
  testing: {
    imsi: '^[A-Za-z0-9_.+-]{1,64}$',
    userId: '^(?!\\.{1,2}$)[A-Za-z0-9_.+-]{1,64}$',
    sessionId: '^(?!\\.{1,2}$)[A-Za-z0-9_.+-]{1,64}$',
  },
  production: {
    imsi: '^[0-9]{6,15}$',
    userId: '^(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,128}$',
    sessionId: '^[0-9a-f]{32}$',
  },
};

export function identifierPatterns(state: ApiState): IdentifierPatterns {
  return patterns[state];
}

/** Characters of a phone number in a request; enough for every way to write one. */
export const maxMsisdnLength = 64;

/** Also true for every phone number in E.164. */
export function isTestingMsisdn(text: string): boolean {
  return /^[A-Za-z0-9_.+-]{1,64}$/.test(text);
}

/**
 * Normalises phone numbers. In testing, other identifiers are accepted as they are, such as `sample_MSISDN` of the documented
 * examples.
 */
export function createMsisdnParser(
  state: ApiState,
  normalise: (text: string) => NormalisedNumber,
): (text: string) => NormalisedNumber {
  if (state === 'production') return normalise;
  return (text) => {
    const result = normalise(text);
    return result.kind === 'invalid' && isTestingMsisdn(text) ? { kind: 'number', msisdn: text } : result;
  };
}
