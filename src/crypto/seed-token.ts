// Tokens that allow a gateway client to ping as one IMSI only, when [seeds] token_secret is set.
// Printed by `swob seeds token`, checked by the gateway.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { SwobError } from '../errors.ts';

/** Longer than any token: an IMSI has at most 64 characters, the HMAC 43. */
const maxLength = 128;

/** `<IMSI>.<base64url HMAC-SHA256(secret, IMSI)>`. Throws CONFIG when the secret is empty: anyone could sign. */
export function createSeedToken(secret: string, imsi: string): string {
  if (secret === '') throw new SwobError('CONFIG', 'a seed token needs a secret: set [seeds] token_secret');
  return `${imsi}.${createHmac('sha256', secret).update(imsi).digest('base64url')}`;
}

/** The IMSI that the token was issued for; undefined when it was not issued with this secret. In constant time. */
export function verifySeedToken(secret: string, token: string): string | undefined {
  const dot = token.lastIndexOf('.');
  if (dot < 0 || token.length > maxLength) return undefined;
  const imsi = token.slice(0, dot);
  const expected = Buffer.from(createSeedToken(secret, imsi));
  const given = Buffer.from(token);
  return expected.length === given.length && timingSafeEqual(expected, given) ? imsi : undefined;
}
