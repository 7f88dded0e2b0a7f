// Compares secrets in constant time, whatever their lengths. Used by outgoing SMS and the gateway's message routes.

import { createHash, timingSafeEqual } from 'node:crypto';

/** False when the expected secret is empty, so that a missing setting never authenticates. */
export function secretsEqual(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected)) && expected !== '';
}
