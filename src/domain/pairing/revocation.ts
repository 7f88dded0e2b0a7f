// Pairings as operators see them: who paired when, by which key, and the revocation of one. Used by the gateway's admin routes
// and by the console.

import { fingerprintOfPem } from '../../crypto/public-key.ts';
import { newSharedKey, sha256Hex } from '../../crypto/random.ts';
import { SwobError } from '../../errors.ts';
import type { Clock, Log } from '../shared/ports.ts';
import type { PairedUser } from './model.ts';
import type { UserStore } from './ports.ts';

/** A pairing without its secrets. */
export interface PairingView {
  readonly userId: string;
  /** Unix time in seconds. */
  readonly pairedAt: number;
  /** SHA-256 of the phone's public key (SPKI DER), 64 lower-case hex characters; undefined when the record has no valid key. */
  readonly fingerprint?: string | undefined;
  /** Unix time in seconds; undefined while the pairing is in use. */
  readonly revokedAt?: number | undefined;
}

/**
 * - `revoked`: nothing is decrypted under any key of the user from now on, on any node
 * - `already revoked`: the same, since an earlier revocation
 * - `unknown`: this user has never paired
 */
export type Revocation =
  | { readonly kind: 'revoked' | 'already revoked'; readonly pairing: PairingView }
  | { readonly kind: 'unknown' };

export interface Pairings {
  /** In the order of user ids. @param after the `next` of the previous page. Throws UNAVAILABLE. */
  list(query: {
    readonly prefix: string;
    readonly limit: number;
    readonly after?: string | undefined;
  }): Promise<{ readonly pairings: readonly PairingView[]; readonly next?: string | undefined }>;
  find(userId: string): Promise<PairingView | undefined>;
  /** Durable when it resolves. Throws UNAVAILABLE; then it may or may not have happened, and can be repeated. */
  revoke(userId: string, log: Log): Promise<Revocation>;
}

/** The current key and the former ones of some revocations. */
const maxRevokedKeys = 16;
/** Attempts to replace a record that is replaced concurrently. */
const maxTries = 10;

export function createPairings({
  users,
  clock,
}: {
  readonly users: UserStore;
  readonly clock: Pick<Clock, 'now'>;
}): Pairings {
  const revoke: Pairings['revoke'] = async (userId, log) => {
    for (let tries = 0; tries < maxTries; tries++) {
      // Reads durably, as an earlier attempt may have written the record and then failed for want of a replica.
      const current = await users.getDurable(userId);
      if (!current) return { kind: 'unknown' };
      if (current.revokedAt !== undefined) return { kind: 'already revoked', pairing: viewOf(current) };
      const revoked = revokedRecord(current, clock.now() / 1_000);
      if (!(await users.replace(revoked, current))) continue;
      const pairing = viewOf(revoked);
      log.info({ userId, fingerprint: pairing.fingerprint }, 'revoked the pairing of a user');
      return { kind: 'revoked', pairing };
    }
    throw new SwobError('UNAVAILABLE', 'phones of this user pair at the same time; try again', {
      retryAfter: 1,
    });
  };

  return {
    list: async ({ prefix, limit, after }) => {
      const page = await users.list(prefix, limit, after);
      return { pairings: page.users.map(viewOf), next: page.next };
    },
    find: async (userId) => {
      const user = await users.get(userId);
      return user && viewOf(user);
    },
    revoke,
  };
}

/** Whether this shared key of the user was revoked. */
export function isRevokedKey(user: PairedUser | undefined, sharedKey: string): boolean {
  return user?.revokedKeys?.includes(sha256Hex(sharedKey)) ?? false;
}

/** Keeps the password digests: what was captured before the revocation must not pair a phone after it. */
function revokedRecord(user: PairedUser, now: number): PairedUser {
  const { formerKeys = [], ...kept } = user;
  const keys = [user, ...formerKeys].map(({ sharedKey }) => sha256Hex(sharedKey));
  return {
    ...kept,
    sharedKey: newSharedKey(),
    revokedAt: now,
    revokedKeys: [...keys, ...(user.revokedKeys ?? [])].slice(0, maxRevokedKeys),
  };
}

function viewOf({ userId, pairedAt, publicKey, revokedAt }: PairedUser): PairingView {
  return { userId, pairedAt, fingerprint: fingerprintOfPem(publicKey), revokedAt };
}
