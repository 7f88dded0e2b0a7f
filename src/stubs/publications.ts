// `/v1/publications` of the stub of the Publisher: what a RelaySMS Publisher checks before it queues a payload. Used by publisher.ts.

import { decodeBase64 } from '../crypto/base64-text.ts';
import { secretsEqual } from '../crypto/constant-time.ts';
import { completeFormat, decodeSegment } from '../crypto/relay-format.ts';

/** A refusal as the RelaySMS Publisher responds it, or the publication. */
export type PublicationRequest =
  | { readonly kind: 'accepted'; readonly address: string; readonly text: string }
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string };

export const publicationsPath = '/v1/publications';

/** @param tag the tag that a request must have; undefined: none is checked */
export function readPublication(
  { address, text, tag: given }: Readonly<Record<string, unknown>>,
  tag: string | undefined,
): PublicationRequest {
  if (typeof address !== 'string' || typeof text !== 'string')
    return refused(422, 'address and text: expected texts');
  if (tag !== undefined && !secretsEqual(typeof given === 'string' ? given : '', tag))
    return refused(403, 'missing or wrong tag');
  const bytes = decodeSegment(text) ?? decodeBase64(text);
  if (!bytes) return refused(400, 'Payload is not valid base64.');
  if (!decodeSegment(text) && !completeFormat(bytes)) return refused(400, 'Invalid payload structure.');
  return { kind: 'accepted', address, text };
}

function refused(status: number, detail: string): PublicationRequest {
  return { kind: 'refused', status, detail };
}
