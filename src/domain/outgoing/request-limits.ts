// The rate limits of requests by developers. Used by outgoing.ts and tracking.ts.

import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { LimitStore } from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';

/** Each method counts a request, and throws LIMITED when there were too many. */
export interface RequestLimits {
  countAddress(address: string): Promise<void>;
  /** To be called after authentication only, so that strangers cannot exhaust a developer's limit. */
  countDeveloper(authId: string): Promise<void>;
}

export function createRequestLimits(limits: LimitStore, limit: RateLimit): RequestLimits {
  const count = async (key: LimitKey): Promise<void> => {
    const refused = await consumeAll(limits, [key], limit);
    if (refused) throw rateLimited('requests', refused.seconds);
  };
  return {
    countAddress: (address) => count(`outgoing:address:${address}`),
    countDeveloper: (authId) => count(`outgoing:developer:${authId}`),
  };
}
