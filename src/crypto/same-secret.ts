// Compares secrets in constant time, whatever their lengths. Used by outgoing SMS and the gateway's message routes.

import { createHash, timingSafeEqual } from 'node:crypto';

/** False as well when the expected one is empty: nothing is no secret. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected)) && expected !== '';
}
