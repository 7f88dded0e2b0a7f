// Password claims in memory; used by the memory store and, as they last an hour, by the lowdb store.

import type { PasswordClaims } from '../../domain/pairing/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';

const claimTtlMs = 3_600_000;
const maxClaims = 100_000;

export function createMemoryPasswordClaims(clock: Clock): PasswordClaims {
  const claims = createTtlCache<string>(clock, claimTtlMs, maxClaims);
  return {
    claim: async (digest, fingerprint) => {
      const owner = claims.get(digest);
      if (owner === undefined) claims.set(digest, fingerprint);
      return owner === undefined || owner === fingerprint;
    },
  };
}
