// What a sync websocket says, read from its frames and close codes. Used by sync-client.ts.

import { SwobError } from '../errors.ts';

export type SyncEvent =
  | { readonly kind: 'url'; readonly qrUrl: string; readonly mobileUrl: string }
  | { readonly kind: 'paused' }
  | { readonly kind: 'paired' }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/**
 * Reads a frame of this server or of the old one, which sent the URL as plain text and spelled the
 * other two "201- paused" and "200- acked". Undefined when it is none of these.
 */
export function readFrame(text: string): SyncEvent | undefined {
  if (text.startsWith('201')) return { kind: 'paused' };
  if (text.startsWith('200')) return { kind: 'paired' };
  if (isHandshakeUrl(text)) return { kind: 'url', qrUrl: text, mobileUrl: text };
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || !('qr_url' in value)) return undefined;
  const { qr_url: qrUrl } = value;
  if (typeof qrUrl !== 'string' || !isHandshakeUrl(qrUrl)) return undefined;
  const mobileUrl = 'mobile_url' in value && typeof value.mobile_url === 'string' ? value.mobile_url : qrUrl;
  return { kind: 'url', qrUrl, mobileUrl };
}

/** A URL that a phone could open; QR codes of anything else are not drawn. */
function isHandshakeUrl(text: string): boolean {
  return /^(https?|apps?):\/\/[\x21-\x7e]{1,2000}$/.test(text) && URL.canParse(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why a socket that closed before the ack did so, as the error that ends the command. */
export function closeError(code: number, reason: string): SwobError {
  const because = reason === '' ? '' : ` (${reason})`;
  switch (code) {
    case 1000:
      return new SwobError('REFUSED', `no phone paired in time: the last code has expired${because}`);
    case 1001:
      return new SwobError('UNAVAILABLE', `the server is stopping; try again in a moment${because}`);
    case 4404:
      return new SwobError('REFUSED', `4404: the server does not know this session${because}`);
    case 4408:
      return new SwobError(
        'REFUSED',
        `4408: the phone scanned a code but sent no password in time${because}`,
      );
    case 4409:
      return new SwobError('REFUSED', `4409: this session is shown somewhere else already${because}`);
    default:
      return new SwobError('UNREACHABLE', `the connection broke with code ${code}${because}`);
  }
}
