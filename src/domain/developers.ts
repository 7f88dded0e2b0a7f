// Who may send outgoing SMS: a developer's credentials, the set-up credentials, and guesses at them. Used by
// outgoing.ts.

import { isSameSecret } from '../crypto/same-secret.ts';
import { SwobError } from '../errors.ts';
import { limited } from './limiting.ts';
import type { RateLimit } from './model.ts';
import type { DeveloperApi, LimitStore } from './ports.ts';

/** The credentials that the operator of this gateway gives to developers who may subscribe. */
export interface SetupCredentials {
  readonly id: string;
  readonly key: string;
}

export interface DevelopersDeps {
  readonly api: DeveloperApi;
  readonly limits: LimitStore;
  /** Empty: nobody can subscribe. */
  readonly setup: SetupCredentials;
  /** Wrong credentials from an address, and for a developer. */
  readonly guessLimit: RateLimit;
}

export interface Developers {
  /** Throws UNAUTHENTICATED when they are not a developer's, LIMITED after too many wrong ones, UPSTREAM. */
  authenticate(authId: string, authKey: string, address: string): Promise<void>;
  /** Throws UNAUTHENTICATED when either is wrong, UNAVAILABLE when there are none, LIMITED. */
  checkSetup(given: SetupCredentials, address: string): Promise<void>;
}

export function createDevelopers({ api, limits, setup, guessLimit }: DevelopersDeps): Developers {
  /** Runs a check whose failures count as guesses. */
  const guarded = async (keys: readonly string[], check: () => Promise<boolean>): Promise<void> => {
    for (const key of keys) {
      const seconds = await limits.peek(key, guessLimit);
      if (seconds > 0) throw limited('wrong credentials', seconds);
    }
    if (await check()) return;
    for (const key of keys) await limits.take(key, guessLimit);
    throw new SwobError('UNAUTHENTICATED', 'wrong credentials');
  };

  return {
    authenticate: (authId, authKey, address) =>
      guarded([`developer:address:${address}`, `developer:id:${authId}`], () =>
        api.authenticate(authId, authKey),
      ),
    checkSetup: async (given, address) => {
      if (setup.id === '' || setup.key === '') {
        throw new SwobError(
          'UNAVAILABLE',
          'developers cannot subscribe: set [outgoing] setup_id and setup_key',
          { forClients: 'developers cannot subscribe here' },
        );
      }
      await guarded([`setup:address:${address}`], async () => {
        const right = [isSameSecret(given.id, setup.id), isSameSecret(given.key, setup.key)];
        return right.every(Boolean);
      });
    },
  };
}
