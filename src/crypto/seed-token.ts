// Tokens that allow a gateway client to ping as one IMSI only, when [seeds] token_secret is set.
// Printed by `swob seeds token`, checked by the gateway.

import { SwobError } from '../errors.ts';
import { createHolderToken, verifyHolderToken } from './holder-token.ts';

/** Older than other kinds of tokens. */
const domain = '';

/** `<IMSI>.<base64url HMAC-SHA256(secret, IMSI)>`. Throws CONFIG when the secret is empty: anyone could sign. */
export function createSeedToken(secret: string, imsi: string): string {
  return createHolderToken(usable(secret), domain, imsi);
}

/** The IMSI that the token was issued for; undefined when it was not issued with this secret. In constant time. */
export function verifySeedToken(secret: string, token: string): string | undefined {
  return verifyHolderToken(usable(secret), domain, token);
}

function usable(secret: string): string {
  if (secret === '') throw new SwobError('CONFIG', 'a seed token needs a secret: set [seeds] token_secret');
  return secret;
}
