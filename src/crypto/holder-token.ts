// Tokens that name their holder: `<holder>.<base64url HMAC-SHA256(secret, domain + holder)>`. Used by seed-token.ts and status-token.ts.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** Longer than any token: a holder has at most 64 characters, the HMAC 43. */
const maxLength = 128;

/** @param domain differs for each kind of token, so that under equal secrets none is valid as another kind */
export function createHolderToken(secret: string, domain: string, holder: string): string {
  return `${holder}.${createHmac('sha256', secret).update(`${domain}${holder}`).digest('base64url')}`;
}

/** The holder that the token was issued for; undefined when it was not issued with this secret. In constant time. */
export function verifyHolderToken(secret: string, domain: string, token: string): string | undefined {
  const dot = token.lastIndexOf('.');
  if (dot < 0 || token.length > maxLength) return undefined;
  const holder = token.slice(0, dot);
  const expected = Buffer.from(createHolderToken(secret, domain, holder));
  const given = Buffer.from(token);
  return expected.length === given.length && timingSafeEqual(expected, given) ? holder : undefined;
}
