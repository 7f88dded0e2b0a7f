// The rate limits of an address that routes of the gateway may check before they read a body. Used by server.ts; routes name
// theirs in `config.earlyRateLimits`.

import type { RateLimit } from '../domain/shared/model.ts';
import type { EarlyRateLimits } from '../http/early-rate-limits.ts';

/** From `[limits]` of the configuration. */
export interface GatewayRateLimits {
  readonly pings: RateLimit;
  readonly passwords: RateLimit;
  readonly sms: RateLimit;
  readonly lookups: RateLimit;
  readonly tests: RateLimit;
}

/**
 * Not those of pairing, which depend on the body: an address that exceeded its guesses may still use a valid session, and one
 * wrong password too many invalidates the session.
 */
export function earlyRateLimits(rates: GatewayRateLimits): EarlyRateLimits {
  return {
    pings: { rate: rates.pings, events: 'pings', keyOf: (address) => `ping:address:${address}` },
    sms: { rate: rates.sms, events: 'SMS', keyOf: (address) => `sms:address:${address}` },
    requests: { rate: rates.sms, events: 'requests', keyOf: (address) => `outgoing:address:${address}` },
    credentials: {
      rate: rates.passwords,
      events: 'wrong credentials',
      keyOf: (address) => `credentials:address:${address}`,
    },
    tests: {
      rate: rates.tests,
      events: 'reliability tests',
      keyOf: (address) => `test:address:${address}`,
    },
    lookups: {
      rate: rates.lookups,
      events: 'numbers looked up',
      keyOf: (address) => `lookup:address:${address}`,
    },
  };
}
