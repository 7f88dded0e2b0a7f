// Finds the user of an encrypted SMS and decrypts it. Used by publishing.ts.

import { decryptWithKeys } from '../../crypto/sms-cipher.ts';
import { dropOldest } from '../../lib/drop-oldest.ts';
import { maxFormerKeys, type UserKeys } from '../shared/user-keys.ts';
import type { InboundSms } from './model.ts';
import type { UserDirectory, UserKeyStore } from './ports.ts';

export type Reading =
  | { readonly kind: 'message'; readonly message: string }
  | { readonly kind: 'unknown number' | 'not paired' | 'revoked' | 'wrong key' }
  | { readonly kind: 'failed' | 'overloaded'; readonly reason: string };

export interface SmsReader {
  /** `failed` and `overloaded` are the results of the user directory. */
  read(sms: EncryptedSms): Promise<Reading>;
  /** Whether it decrypts under a key of the user last seen with this number; needs no back end. */
  isOfKnownUser(sms: EncryptedSms): Promise<boolean>;
}

/** Whether the unreadable SMS is of a user who has paired a phone here: it is not for a RelaySMS Publisher. */
export function isOfPhone({ kind }: Reading): boolean {
  return kind === 'wrong key' || kind === 'revoked';
}

type EncryptedSms = Pick<InboundSms, 'msisdn' | 'text'>;

/** Bound of the numbers in memory; the oldest are evicted. */
const maxKnown = 10_000;

export function createSmsReader(deps: {
  readonly directory: UserDirectory;
  readonly users: UserKeyStore;
}): SmsReader {
  const known = new Map<string, string>();

  const remember = (msisdn: string, userId: string): void => {
    known.delete(msisdn);
    known.set(msisdn, userId);
    dropOldest(known, maxKnown);
  };
  const userOf = (userId: string | undefined): ReturnType<UserKeyStore['get']> =>
    userId === undefined ? undefined : deps.users.get(userId);

  return {
    read: async ({ msisdn, text }) => {
      const lookup = await deps.directory.userOf(msisdn);
      if (lookup.kind === 'failed' || lookup.kind === 'overloaded') return lookup;
      const user = await userOf(lookup.kind === 'found' ? lookup.userId : undefined);
      const message = decryptWithAny(user, text);
      if (!user) return { kind: lookup.kind === 'unknown' ? 'unknown number' : 'not paired' };
      if (user.revokedAt !== undefined) return { kind: 'revoked' };
      if (message === undefined) return { kind: 'wrong key' };
      remember(msisdn, user.userId);
      return { kind: 'message', message };
    },
    isOfKnownUser: async ({ msisdn, text }) =>
      decryptWithAny(await userOf(known.get(msisdn)), text) !== undefined,
  };
}

/** Fills the unused attempts of `decryptWithAny`. */
const dummyKey = '0'.repeat(32);

/**
 * Always tries the same number of keys: constant work, so that timing reveals neither whether there is a user nor which
 * key fits.
 */
function decryptWithAny(user: UserKeys | undefined, text: string): string | undefined {
  const isPaired = user && user.revokedAt === undefined;
  const keys = isPaired ? [user.sharedKey, ...(user.formerKeys ?? []).map(({ sharedKey }) => sharedKey)] : [];
  const attempted = Array.from({ length: 1 + maxFormerKeys }, (_, index) => keys[index] ?? dummyKey);
  const messages = decryptWithKeys(attempted, text);
  return messages.find((message, index) => index < keys.length && message !== undefined);
}
