// Frames and close codes of the sync websocket, as the pairing page understands them. docs/protocol.md, "Sync websocket".

export type Frame =
  | { readonly kind: 'url'; readonly qrUrl: string; readonly mobileUrl: string }
  | { readonly kind: 'paused' }
  | { readonly kind: 'paired' };

/** Undefined for every other text, which is ignored. */
export function parseFrame(text: string): Frame | undefined {
  if (text.startsWith('201')) return { kind: 'paused' };
  if (text.startsWith('200')) return { kind: 'paired' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('qr_url' in value) || !('mobile_url' in value))
    return undefined;
  const { qr_url: qrUrl, mobile_url: mobileUrl } = value;
  if (!isUrlOf(/^https?:/, qrUrl) || !isUrlOf(/^apps?:/, mobileUrl)) return undefined;
  return { kind: 'url', qrUrl, mobileUrl };
}

/** Never a `javascript:` URL: one of them becomes a link. */
function isUrlOf(scheme: RegExp, value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2_000 && scheme.test(value) && URL.canParse(value);
}

/**
 * What the end of a connection means:
 * - `unknown session`: it has expired, or the service forgot it in a restart
 * - `lost`: the network or the service failed; the session may still exist
 */
export type Ending = 'timed out' | 'password timed out' | 'unknown session' | 'elsewhere' | 'lost';

const endings: Readonly<Record<number, Ending>> = {
  1000: 'timed out',
  4404: 'unknown session',
  4408: 'password timed out',
  4409: 'elsewhere',
};

export function endingOf(closeCode: number): Ending {
  return endings[closeCode] ?? 'lost';
}
