// Parses frames and close codes of the sync websocket. Used by sync-client.ts and the `sync` commands.

import { SwobError } from '../../errors.ts';
import { tryParseJson } from '../../lib/json.ts';

export type SyncEvent =
  | { readonly kind: 'url'; readonly qrUrl: string; readonly mobileUrl: string }
  | { readonly kind: 'paused' }
  | { readonly kind: 'paired' }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/**
 * Parses a frame of this server or of the replaced one, which sent the URL as plain text and the other two as
 * "201- paused" and "200- acked". Undefined for any other text.
 */
export function parseFrame(text: string): SyncEvent | undefined {
  if (text.startsWith('201')) return { kind: 'paused' };
  if (text.startsWith('200')) return { kind: 'paired' };
  if (isHandshakeUrl(text)) return { kind: 'url', qrUrl: text, mobileUrl: text };
  const value = tryParseJson(text);
  if (typeof value !== 'object' || value === null || !('qr_url' in value)) return undefined;
  const { qr_url: qrUrl } = value;
  if (typeof qrUrl !== 'string' || !isHandshakeUrl(qrUrl)) return undefined;
  const mobileUrl = 'mobile_url' in value && typeof value.mobile_url === 'string' ? value.mobile_url : qrUrl;
  return { kind: 'url', qrUrl, mobileUrl };
}

/** Only URLs that a phone can open are drawn as QR codes. */
function isHandshakeUrl(text: string): boolean {
  return /^(https?|apps?):\/\/[\x21-\x7e]{1,2000}$/.test(text) && URL.canParse(text);
}

/** The error of a websocket that closed before the acknowledgement. */
export function closeError(code: number, reason: string): SwobError {
  const because = reason === '' ? '' : ` (${reason})`;
  switch (code) {
    case 1000:
      return new SwobError('REFUSED', `no phone paired in time: the last QR code expired${because}`);
    case 1001:
      return new SwobError('UNAVAILABLE', `the server is stopping; try again in a moment${because}`);
    case 4404:
      return new SwobError('REFUSED', `4404: the server does not know this session${because}`);
    case 4408:
      return new SwobError(
        'REFUSED',
        `4408: the phone scanned a code but did not send the password in time${because}`,
      );
    case 4409:
      return new SwobError('REFUSED', `4409: this session is already shown by another websocket${because}`);
    default:
      return new SwobError('UNREACHABLE', `the connection was closed with code ${code}${because}`);
  }
}
