// Who may send outgoing SMS: a developer's credentials, the set-up credentials, and guesses at them. Used by
// outgoing.ts.

import { sha256Hex } from '../crypto/random.ts';
import { isSameSecret } from '../crypto/same-secret.ts';
import { SwobError } from '../errors.ts';
import { limited } from './limiting.ts';
import type { RateLimit } from './model.ts';
import type { LimitStore } from './ports.ts';
import type { DeveloperApi } from './upstreams.ts';

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
  /** Wrong credentials from an address, and for a developer from there. */
  readonly guessLimit: RateLimit;
}

export interface Developers {
  /** Throws UNAUTHENTICATED when they are not a developer's, LIMITED after too many wrong ones, UPSTREAM. */
  authenticate(authId: string, authKey: string, address: string): Promise<void>;
  /** Throws UNAUTHENTICATED when either is wrong, UNAVAILABLE when there are none, LIMITED. */
  checkSetup(given: SetupCredentials, address: string): Promise<void>;
}

/** Different credentials from one address that are being checked at once. */
const maxRunning = 32;

export function createDevelopers({ api, limits, setup, guessLimit }: DevelopersDeps): Developers {
  /** The same credentials at the same time are one attempt. */
  const underWay = new Map<string, Promise<boolean>>();
  const running = new Map<string, number>();

  /** `own` counts an attempt as wrong until it is known, so that a burst guesses no more than a row. */
  const attempt = async (own: string, address: string, check: () => Promise<boolean>): Promise<boolean> => {
    const shared = `credentials:address:${address}`;
    const leave = enter(running, address);
    // What could not be checked was not wrong.
    let wrong = false;
    let counted = false;
    try {
      const wait = await limits.peek(shared, guessLimit);
      if (wait > 0) throw limited('wrong credentials', wait);
      const seconds = await limits.take(own, guessLimit);
      if (seconds > 0) throw limited('wrong credentials', seconds);
      counted = true;
      wrong = !(await check());
      return !wrong;
    } finally {
      leave();
      if (wrong) await limits.take(shared, guessLimit);
      else if (counted) await limits.giveBack(own, guessLimit);
    }
  };

  /** `who` is counted for this address only: nobody can lock a developer out from elsewhere. */
  const requireRight = async (
    who: string,
    secret: string,
    address: string,
    check: () => Promise<boolean>,
  ): Promise<void> => {
    const key = sha256Hex(Buffer.from(JSON.stringify([who, secret, address])));
    const shared = underWay.get(key);
    const result =
      shared ?? attempt(`credentials:${who}@${address}`, address, check).finally(() => underWay.delete(key));
    if (!shared) underWay.set(key, result);
    if (!(await result)) throw new SwobError('UNAUTHENTICATED', 'wrong credentials');
  };

  return {
    authenticate: (authId, authKey, address) =>
      requireRight(`developer:${authId}`, authKey, address, () => api.authenticate(authId, authKey)),
    checkSetup: async (given, address) => {
      if (setup.id === '' || setup.key === '') {
        throw new SwobError(
          'UNAVAILABLE',
          'developers cannot subscribe: set [outgoing] setup_id and setup_key',
          { forClients: 'developers cannot subscribe here' },
        );
      }
      await requireRight('setup', JSON.stringify(given), address, async () => {
        const right = [isSameSecret(given.id, setup.id), isSameSecret(given.key, setup.key)];
        return right.every(Boolean);
      });
    },
  };
}

/** Counts one more of this key before anything is waited for; the function takes it back. Throws LIMITED. */
function enter(running: Map<string, number>, key: string): () => void {
  const before = running.get(key) ?? 0;
  if (before >= maxRunning) throw limited('wrong credentials', 1);
  running.set(key, before + 1);
  return () => {
    const left = (running.get(key) ?? 1) - 1;
    if (left > 0) running.set(key, left);
    else running.delete(key);
  };
}
