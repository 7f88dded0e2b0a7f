// Pairings as the gateway's admin routes describe them. Used by `swob pairings`.

import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { formatTime } from './message-admin.ts';

export interface Pairing {
  readonly userId: string;
  /** Unix time in seconds. */
  readonly pairedAt: number;
  /** SHA-256 of the phone's public key, 64 hex characters. */
  readonly fingerprint?: string;
  /** Unix time in seconds; undefined while the pairing is in use. */
  readonly revokedAt?: number;
}

/** The pairings as received, and whether more follow. Throws UPSTREAM. */
export function parsePairingPage(value: unknown): {
  readonly pairings: readonly unknown[];
  readonly hasMore: boolean;
} {
  if (!isObject(value) || !Array.isArray(value.pairings)) throw unexpectedResponse();
  return { pairings: value.pairings, hasMore: value.next !== undefined };
}

/** Throws UPSTREAM. */
export function parsePairing(value: unknown): Pairing {
  if (!isObject(value)) throw unexpectedResponse();
  const { userId, pairedAt, fingerprint, revokedAt } = value;
  if (typeof userId !== 'string' || typeof pairedAt !== 'number') throw unexpectedResponse();
  return {
    userId,
    pairedAt,
    ...(typeof fingerprint === 'string' && { fingerprint }),
    ...(typeof revokedAt === 'number' && { revokedAt }),
  };
}

/** Long enough to compare with another one by eye. */
export function shortFingerprint(fingerprint: string | undefined): string {
  return fingerprint?.slice(0, 16) ?? 'unknown';
}

/** @param seconds Unix time */
export function timeOf(seconds: number | undefined): string {
  return formatTime(seconds === undefined ? undefined : seconds * 1_000);
}

function unexpectedResponse(): SwobError {
  return new SwobError(
    'UPSTREAM',
    'the gateway responded with something other than pairings; is it a gateway?',
  );
}
