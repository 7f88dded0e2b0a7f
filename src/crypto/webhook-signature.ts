// Signatures of callbacks by the Standard Webhooks convention (standardwebhooks.com), for which verifiers exist in
// every language. Used by the callback sender.

import { createHmac } from 'node:crypto';
import { SwobError } from '../errors.ts';

const prefix = 'whsec_';

/**
 * The value of `webhook-signature`: `v1,<base64 HMAC-SHA256>` over `<id>.<timestamp>.<body>`, where the first
 * two are headers of the same request; `timestamp` is Unix time in whole seconds. Throws CONFIG as webhookKey.
 */
export function signWebhook(secret: string, id: string, timestamp: number, body: string): string {
  const signed = `${id}.${timestamp}.${body}`;
  return `v1,${createHmac('sha256', webhookKey(secret)).update(signed).digest('base64')}`;
}

/**
 * The bytes of a secret: base64 after `whsec_`, otherwise the text itself. Throws CONFIG when it is empty, because
 * anyone could sign with it.
 */
export function webhookKey(secret: string): Buffer {
  if (secret !== '' && !secret.startsWith(prefix)) return Buffer.from(secret);
  const digits = secret.slice(prefix.length);
  const key = Buffer.from(digits, 'base64');
  if (key.length > 0 && key.toString('base64') === digits) return key;
  throw new SwobError(
    'CONFIG',
    `[outgoing] callback_secret: expected a text, or base64 after ${prefix}; make one with: openssl rand -base64 32`,
  );
}
