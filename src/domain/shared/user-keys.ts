// The keys that a paired user's SMS are encrypted under. Pairing replaces them; the reader of inbound SMS tries them
// all, because an SMS may arrive after its sender has paired again.

export interface UserKeys {
  /** 32 lower-case hex characters, used as 32 bytes of text (AES-256). Secret. */
  readonly sharedKey: string;
  /** Newest first, bounded: SMS that were encrypted under them may still arrive. */
  readonly formerKeys?: readonly FormerKey[];
  /**
   * When an operator revoked the keys, Unix time in seconds: nothing is decrypted. The shared key is then a random one that no
   * phone has, so that versions of swob that do not know this member decrypt nothing either.
   */
  readonly revokedAt?: number;
}

export interface FormerKey {
  /** Secret. */
  readonly sharedKey: string;
  /** Unix time in seconds. */
  readonly replacedAt: number;
}

/** For each user; each SMS is tried with all of them. */
export const maxFormerKeys = 3;

/**
 * The former keys once `current` is replaced at `now` (Unix time in seconds): newest first. None expires, because the wall clock alone
 * says how old they are, and it may be ahead.
 */
export function formerKeysAfter(current: UserKeys | undefined, now: number): FormerKey[] {
  if (!current || current.revokedAt !== undefined) return [];
  const keys = [{ sharedKey: current.sharedKey, replacedAt: now }, ...(current.formerKeys ?? [])];
  return keys.slice(0, maxFormerKeys);
}
