// Checks the rate limits of an address before the body of a request is read. Used by the services.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LimitKey } from '../domain/shared/limit-keys.ts';
import type { RateLimit } from '../domain/shared/model.ts';
import type { LimitStore } from '../domain/shared/ports.ts';
import { limitAddress, peekAllLocal, rateLimited } from '../domain/shared/rate-limiting.ts';

/** One rate limit of an address. */
export interface AddressRateLimit {
  readonly keyOf: (address: string) => LimitKey;
  readonly rate: RateLimit;
  /** What it counts, in the plural, as its error says. */
  readonly events: string;
}

/** The limits that a route may name. */
type EarlyRateLimitName = 'pings' | 'sms' | 'requests' | 'credentials' | 'lookups' | 'tests' | 'disconnects';

/** The limits of a service. */
export type EarlyRateLimits = Readonly<Partial<Record<EarlyRateLimitName, AddressRateLimit>>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The limits of the client's address that are checked before the body is read. */
    earlyRateLimits?: readonly EarlyRateLimitName[];
  }
}

/**
 * Rejects a request without reading its body when this process knows a limit of its route to be exceeded; counts nothing. To be called
 * before the routes are added.
 */
export function addEarlyRateLimits(
  app: FastifyInstance,
  store: LimitStore,
  limitsByName: EarlyRateLimits,
): void {
  app.addHook('onRoute', (route) => {
    const names = route.config?.earlyRateLimits ?? [];
    if (names.length === 0) return;
    const limits = names.map((name) => {
      const limit = limitsByName[name];
      if (!limit) throw new TypeError(`${route.url}: this service has no early rate limit ${name}`);
      return limit;
    });
    // After all onRequest hooks, so that the response has the headers that they add.
    route.preParsing = [rejectExceeded(store, limits), ...[route.preParsing ?? []].flat()];
  });
}

function rejectExceeded(store: LimitStore, addressLimits: readonly AddressRateLimit[]) {
  return (
    request: FastifyRequest,
    _reply: FastifyReply,
    _payload: unknown,
    done: (error?: Error) => void,
  ): void => {
    const address = limitAddress(request.ip);
    for (const { keyOf, rate, events } of addressLimits) {
      if (rate === 'off') continue;
      const seconds = peekAllLocal(store, keyOf(address), rate);
      if (seconds > 0) return done(rateLimited(events, seconds));
    }
    done();
  };
}
