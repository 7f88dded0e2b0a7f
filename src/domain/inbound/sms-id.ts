// The id of an inbound SMS. Used by publishing.ts and `swob sms send --explain`.

import { sha256Hex } from '../../crypto/random.ts';

/** Bounds the hashed text, as an SMS of another format may be of any length. */
const hashedCharacters = 50_000;

/**
 * 32 hex characters; the same for the same sender and SMS, whenever and wherever it arrives.
 * @param text in its canonical form, if it has one
 */
export function smsId(msisdn: string, text: string): string {
  const parts = [msisdn, text].map((part) => part.slice(0, hashedCharacters));
  return sha256Hex(Buffer.from(JSON.stringify(parts))).slice(0, 32);
}
