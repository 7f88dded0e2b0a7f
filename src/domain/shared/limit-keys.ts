// The keys of rate limits. A LimitStore accepts no others, so that a key without a name in these tables does not compile
// and every refusal has its label in `swob_limit_refusals_total{limit}`.

import type { RateLimit } from './model.ts';

/** What each limit counts that refuses. A key is a name, `:`, and a subject such as an address, a user or an IMSI. */
export const refusingLimits = [
  'client:address',
  'console:address',
  'console:all',
  'credentials:address',
  'credentials:developer',
  'credentials:setup',
  'disconnect:address',
  'guess:address',
  'lookup:address',
  'outgoing:address',
  'outgoing:developer',
  'password:address',
  'password:session',
  'password:user',
  'password:user-address',
  'ping:address',
  'ping:imsi',
  'session:address',
  'session:user',
  'sms:address',
  'sms:sender',
  'socket:address',
  'test-id:address',
  'test:address',
  'test:client',
] as const satisfies readonly `${string}:${string}`[];

/** Limits for which SMS wait; they refuse nothing. */
const pacingLimits = ['outgoing:daily', 'outgoing:rate'] as const satisfies readonly `${string}:${string}`[];

export const limitNames = [...refusingLimits, ...pacingLimits] as const;

export type RefusingLimit = (typeof refusingLimits)[number];
export type LimitName = (typeof limitNames)[number];

/** A template literal such as `ping:address:${address}` is checked at compile time. */
export type LimitKey = `${LimitName}:${string}`;

/** A key that one event counts towards. */
export interface CountedKey {
  readonly key: LimitKey;
  readonly limit: RateLimit;
}

/** The first key whose limit is exceeded, and the seconds to wait. */
export interface LimitExceeded {
  readonly key: LimitKey;
  readonly seconds: number;
}

const names = new Map<string, LimitName>(limitNames.map((name) => [name, name]));

/** The name of a key, which is its label in metrics: subjects are personal data. */
export function limitNameOf(key: LimitKey): LimitName {
  // A name contains one colon; the subject follows the second.
  const name = names.get(key.slice(0, key.indexOf(':', key.indexOf(':') + 1)));
  if (name === undefined) throw new TypeError('a limit key has no known name');
  return name;
}

export function isRefusing(name: LimitName): name is RefusingLimit {
  return refusingLimits.some((each) => each === name);
}
