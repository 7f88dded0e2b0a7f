// The steps of a pairing that use the store several times. Run by pairing.ts, or by the process that owns the store for another one, so that
// a step is one call to it.

import { fingerprintOfPem } from '../../crypto/public-key.ts';
import type { LimitExceeded } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Clock, LimitStore } from '../shared/ports.ts';
import { consumeAll } from '../shared/rate-limiting.ts';
import { formerKeysAfter } from '../shared/user-keys.ts';
import type { Session, SessionPhone } from './model.ts';
import {
  type AttemptRefusal,
  beginAttempt,
  type PasswordAttempt,
  refundAttempt,
} from './password-attempts.ts';
import type { PasswordClaims, SessionStore, UserStore } from './ports.ts';
import { isRevokedKey } from './revocation.ts';

/** A password as a phone sent it. */
export interface SentPassword extends PasswordAttempt {
  /** SHA-256 of its ciphertext. */
  readonly digest: string;
}

/**
 * - `unknown`: no phone holds the session
 * - `limited`: too many wrong passwords; nothing is counted
 * - `begun`: counted as wrong until `refundAttempt` or `pair`. Not `isFresh`: the ciphertext was sent with the key of another phone
 *   before, and may have been captured
 */
export type BegunPassword =
  | { readonly kind: 'unknown' }
  | ({ readonly kind: 'limited' } & AttemptRefusal)
  | { readonly kind: 'begun'; readonly phone: SessionPhone; readonly isFresh: boolean };

/**
 * - `paired`: the page of the session must be notified
 * - `ended`: paired, but the session has ended since, so that nobody is to be notified
 * - `invalid`: the session ended before, or the pairing was revoked
 * - `contended`: too many phones of this user pair at the same time
 */
type StoredPairing = 'paired' | 'ended' | 'invalid' | 'contended';

/** Each throws as the store does. */
export interface PairingSteps {
  /** Counts a new session and opens it, unless a limit is exceeded. */
  open(
    session: { readonly userId: string; readonly sessionId: string; readonly address: string },
    limit: RateLimit,
  ): Promise<LimitExceeded | undefined>;
  /**
   * Counts an attempt, and binds its ciphertext to the phone of the session.
   * @param tooManyRunning too many attempts of the address run at the same time
   */
  beginPassword(sent: SentPassword, limit: RateLimit, tooManyRunning: boolean): Promise<BegunPassword>;
  /**
   * Ends an attempt whose password is right, and stores the pairing, once a session, and durably.
   * @param sharedKey of the phone that has begun the attempt
   */
  pair(sent: SentPassword, limit: RateLimit, sharedKey: string): Promise<StoredPairing>;
}

interface PairingStepsDeps {
  readonly sessions: SessionStore;
  readonly passwordClaims: PasswordClaims;
  readonly users: UserStore;
  readonly limits: LimitStore;
}

/** Digests stored for each user: more than a phone ever uses. */
const maxDigests = 16;
/** Attempts to replace a user's record that is replaced concurrently. */
const maxTries = 10;

export function createPairingSteps(store: PairingStepsDeps, clock: Pick<Clock, 'now'>): PairingSteps {
  const { sessions, passwordClaims, users, limits } = store;

  const isFresh = async ({ userId, digest }: SentPassword, { publicKey }: SessionPhone): Promise<boolean> => {
    const claimed = await passwordClaims.claim(digest, fingerprintOfPem(publicKey) ?? '');
    const earlier = await users.get(userId);
    return claimed && (earlier?.publicKey === publicKey || !earlier?.passwordDigests.includes(digest));
  };

  /** Stores the pairing, unless an earlier attempt has. */
  const storePairing = async (
    { userId, digest }: SentPassword,
    session: Session | undefined,
    sharedKey: string,
  ): Promise<'stored' | 'invalid' | 'contended'> => {
    for (let tries = 0; tries < maxTries; tries++) {
      // Reads durably, as an earlier attempt may have written the record and then failed for want of a replica.
      const current = await users.getDurable(userId);
      if (current?.sharedKey === sharedKey) return 'stored';
      // A pairing that was revoked before its session was completed stays revoked when the phone repeats its request.
      if (session?.state !== 'paused' || session.phone?.sharedKey !== sharedKey) return 'invalid';
      if (isRevokedKey(current, sharedKey)) return 'invalid';
      const now = clock.now() / 1_000;
      const user = {
        userId,
        sessionId: session.sessionId,
        ...session.phone,
        pairedAt: now,
        formerKeys: formerKeysAfter(current, now),
        passwordDigests: [digest, ...(current?.passwordDigests ?? [])].slice(0, maxDigests),
        ...(current?.revokedKeys && { revokedKeys: current.revokedKeys }),
      };
      // Fails when another phone has paired meanwhile; its key is then a former one.
      if (await users.replace(user, current)) return 'stored';
    }
    return 'contended';
  };

  return {
    open: async ({ userId, sessionId, address }, limit) => {
      const exceeded = await consumeAll(
        limits,
        [`session:address:${address}`, `session:user:${userId}`],
        limit,
      );
      if (!exceeded) await sessions.open(userId, sessionId);
      return exceeded;
    },

    beginPassword: async (sent, limit, tooManyRunning) => {
      const phone = (await sessions.get(sent.userId, sent.sessionId))?.phone;
      if (!phone) return { kind: 'unknown' };
      const refusal = await beginAttempt(limits, limit, sent, tooManyRunning);
      if (refusal) {
        if (refusal.invalidatesSession) await sessions.remove(sent.userId, sent.sessionId);
        return { kind: 'limited', ...refusal };
      }
      try {
        return { kind: 'begun', phone, isFresh: await isFresh(sent, phone) };
      } catch (error) {
        await refundAttempt(limits, limit, sent);
        throw error;
      }
    },

    pair: async (sent, limit, sharedKey) => {
      await refundAttempt(limits, limit, sent);
      const session = await sessions.get(sent.userId, sent.sessionId);
      const outcome = await storePairing(sent, session, sharedKey);
      if (outcome !== 'stored') return outcome;
      if (session?.state !== 'paused' && session?.state !== 'paired') return 'ended';
      await sessions.complete(sent.userId, sent.sessionId);
      return 'paired';
    },
  };
}
