// Tokens with which the phones of a developer report what became of SMS, when [outgoing] status_secret is set.
// Printed by `swob sms outgoing token`, checked by the gateway.

import { SwobError } from '../errors.ts';
import { createHolderToken, verifyHolderToken } from './holder-token.ts';

/** An IMSI and an auth id contain no colon, so that a seed token is never one of these. */
const domain = 'status:';

/** `<auth id>.<base64url HMAC-SHA256(secret, "status:" + auth id)>`. Throws CONFIG when the secret is empty: anyone could sign. */
export function createStatusToken(secret: string, authId: string): string {
  return createHolderToken(usable(secret), domain, authId);
}

/**
 * The auth id that the token was issued for; undefined when it was not issued with this secret. In constant time. Throws CONFIG
 * when the secret is empty.
 */
export function verifyStatusToken(secret: string, token: string): string | undefined {
  return verifyHolderToken(usable(secret), domain, token);
}

function usable(secret: string): string {
  if (secret === '')
    throw new SwobError('CONFIG', 'a status token needs a secret: set [outgoing] status_secret');
  return secret;
}
