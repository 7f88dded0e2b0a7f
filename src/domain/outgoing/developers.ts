// Authenticates developers and checks the set-up credentials, with rate limits on guesses. Used by outgoing.ts.

import { secretsEqual } from '../../crypto/constant-time.ts';
import { sha256Hex } from '../../crypto/random.ts';
import { NotConfiguredError, SwobError } from '../../errors.ts';
import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { LimitStore } from '../shared/ports.ts';
import { consumeAll, peekAll, persistAll, rateLimited, refundAll } from '../shared/rate-limiting.ts';
import { upstreamError } from '../shared/upstream-failure.ts';
import type { DeveloperApi } from './ports.ts';

/** The credentials that the operator of the gateway gives to developers who may subscribe. */
export interface SetupCredentials {
  readonly id: string;
  readonly key: string;
}

export interface DevelopersDeps {
  readonly api: DeveloperApi;
  readonly limits: LimitStore;
  /** When empty, no developer can subscribe. */
  readonly setup: SetupCredentials;
  /** Wrong credentials for each address, and for each developer and address. */
  readonly guessLimit: RateLimit;
}

export interface Developers {
  /** Throws UNAUTHENTICATED for wrong credentials, LIMITED after too many of them, UPSTREAM and UNAVAILABLE. */
  authenticate(authId: string, authKey: string, address: string): Promise<void>;
  /** Throws UNAUTHENTICATED for wrong credentials, LIMITED, and UNAVAILABLE when none are configured. */
  checkSetup(given: SetupCredentials, address: string): Promise<void>;
}

/** How error messages name the credentials. */
const developerPair = 'auth_id and auth_key of the developer';
const setupPair = 'id and key of the set-up';
/** Concurrent checks of different credentials from one address. */
const maxRunning = 32;

export function createDevelopers({ api, limits, setup, guessLimit }: DevelopersDeps): Developers {
  /** Concurrent checks of the same credentials are coalesced. */
  const checks = new Map<string, Promise<boolean>>();
  const running = new Map<string, number>();

  /**
   * Counts a guess for `own` until the result is known, so that concurrent guesses get no more attempts than sequential
   * ones.
   */
  const attempt = async (own: LimitKey, address: string, check: () => Promise<boolean>): Promise<boolean> => {
    const shared: LimitKey = `credentials:address:${address}`;
    const leave = startCheck(running, address);
    // Credentials that could not be checked do not count as wrong.
    let wrong = false;
    let counted = false;
    try {
      const wait = await peekAll(limits, shared, guessLimit);
      if (wait > 0) throw rateLimited('wrong credentials', wait);
      const usedUp = await consumeAll(limits, [own], guessLimit);
      if (usedUp) throw rateLimited('wrong credentials', usedUp.seconds);
      counted = true;
      wrong = !(await check());
      return !wrong;
    } finally {
      leave();
      if (wrong) {
        await consumeAll(limits, [shared], guessLimit);
        await persistAll(limits, [own, shared], guessLimit);
      } else if (counted) await refundAll(limits, [own], guessLimit);
    }
  };

  /** `who` includes the address, so that guesses from elsewhere cannot lock a developer out. */
  const requireRight = async (
    who: LimitKey,
    secret: string,
    address: string,
    pair: string,
    check: () => Promise<boolean>,
  ): Promise<void> => {
    const key = sha256Hex(Buffer.from(JSON.stringify([who, secret])));
    const shared = checks.get(key);
    const result = shared ?? attempt(who, address, check).finally(() => checks.delete(key));
    if (!shared) checks.set(key, result);
    // The message does not say which of the two is wrong, so that they cannot be guessed separately.
    if (!(await result)) throw new SwobError('UNAUTHENTICATED', `wrong credentials: ${pair}`);
  };

  return {
    authenticate: (authId, authKey, address) =>
      requireRight(`credentials:developer:${authId}@${address}`, authKey, address, developerPair, () =>
        isAccepted(api, authId, authKey),
      ),
    checkSetup: async (given, address) => {
      if (setup.id === '' || setup.key === '') {
        throw new NotConfiguredError(
          'developers cannot subscribe: set [outgoing] setup_id and setup_key',
          'developers cannot subscribe here',
        );
      }
      const secret = JSON.stringify(given);
      await requireRight(`credentials:setup:${address}`, secret, address, setupPair, async () => {
        const right = [secretsEqual(given.id, setup.id), secretsEqual(given.key, setup.key)];
        return right.every(Boolean);
      });
    },
  };
}

/** Throws UPSTREAM when the developer API fails, UNAVAILABLE when too many checks are running. */
async function isAccepted(api: DeveloperApi, authId: string, authKey: string): Promise<boolean> {
  const check = await api.authenticate(authId, authKey);
  if (check.kind === 'failed') throw upstreamError(check);
  if (check.kind === 'overloaded') throw new SwobError('UNAVAILABLE', check.reason, { retryAfter: 1 });
  return check.kind === 'accepted';
}

/** Counts a running check synchronously, before any await; returns the function that ends it. Throws LIMITED. */
function startCheck(running: Map<string, number>, key: string): () => void {
  const before = running.get(key) ?? 0;
  if (before >= maxRunning) throw rateLimited('wrong credentials', 1);
  running.set(key, before + 1);
  return () => {
    const left = (running.get(key) ?? 1) - 1;
    if (left > 0) running.set(key, left);
    else running.delete(key);
  };
}
