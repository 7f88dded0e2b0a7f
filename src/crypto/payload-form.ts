// What the text of an SMS may be: an encrypted SMS of ours, a payload for a RelaySMS Publisher, or an ordinary SMS. Used by
// publishing of inbound SMS.

import { blankReadings, decodeBase64 } from './base64-text.ts';
import { completeFormat, decodeSegment, type RelayFormat } from './relay-format.ts';
import { canonicalSms } from './sms-cipher.ts';

/** Why a text is not a payload. */
type NoPayloadReason = 'too long' | 'not base64' | 'no letters';

/**
 * - `v2`: the outer form of an SMS that a paired phone encrypts. Whether it decrypts is another question.
 * - `relay`: base64 of anything else, which only a RelaySMS Publisher can read.
 * - `none`: an ordinary SMS.
 *
 * `text` has the characters as received, with blanks as `+` where they must have been `+`. `canonical` is equal for all spellings of the
 * same payload.
 */
export type PayloadForm =
  | { readonly kind: 'v2'; readonly text: string; readonly canonical: string }
  | {
      readonly kind: 'relay';
      readonly text: string;
      readonly canonical: string;
      readonly bytes: Buffer;
      readonly format?: RelayFormat;
    }
  | { readonly kind: 'none'; readonly reason: NoPayloadReason };

/** Characters of a text; an SMS of 255 parts has fewer. */
const maxLength = 40_000;
/** Lines of a wrapped payload, as encoders write them; the last may be shorter. */
const minLine = 60;

/** Describes the text of an SMS. Total: any text has a form. */
export function describePayload(text: string): PayloadForm {
  if (text.length > maxLength) return { kind: 'none', reason: 'too long' };
  // Most ordinary SMS end here.
  if (!/^[A-Za-z0-9+/=_\-\t\n\f\r ]+$/.test(text)) return { kind: 'none', reason: 'not base64' };
  // Phone numbers, codes, dates.
  if (!/[A-Za-z]/.test(text)) return { kind: 'none', reason: 'no letters' };
  const readings = blankReadings(text);
  for (const reading of readings) {
    const canonical = canonicalSms(reading);
    if (canonical !== undefined) return { kind: 'v2', text: reading, canonical };
  }
  const needsProof = readings.length > 1 || hasIrregularLines(text);
  const forms = readings.map(relayForm).filter((form) => form !== undefined);
  const proven = forms.find(({ format }) => format !== undefined && format !== 'segment');
  const form =
    proven ??
    forms.find(
      (each) =>
        !needsProof ||
        ((each.format === 'segment' || bareLength(each.text) % 4 === 0) && cannotBeProse(text)),
    );
  return form ?? { kind: 'none', reason: 'not base64' };
}

type RelayForm = Extract<PayloadForm, { readonly kind: 'relay' }>;

function relayForm(text: string): RelayForm | undefined {
  const bytes = decodeBase64(text);
  const format = bytes && completeFormat(bytes);
  const segment = format === undefined ? decodeSegment(text) : undefined;
  if (segment) return { kind: 'relay', text, canonical: text.trim(), bytes: segment, format: 'segment' };
  if (!bytes?.length) return undefined;
  return { kind: 'relay', text, canonical: bytes.toString('base64'), bytes, ...(format && { format }) };
}

/** Whether there are line breaks where no encoder sets them, as in prose. */
export function hasIrregularLines(text: string): boolean {
  const lines = text.trim().split(/\r?\n/);
  const [first = ''] = lines;
  const last = lines.pop() ?? '';
  if (lines.length === 0) return false;
  return (
    first.length < minLine || last.length > first.length || lines.some((line) => line.length !== first.length)
  );
}

/** Words have five characters; base64 has 64 between two `+` on average. */
const minMeanPiece = 8;
const minMixedPiece = 12;
const minPadded = 20;

const bareLength = (text: string): number => text.replace(/\s/g, '').length;

/**
 * Whether a text with blanks or line breaks cannot be prose, although no length field proves that it is a payload: it is padded, or
 * has a piece that is longer than words, or a long one of mixed characters.
 */
export function cannotBeProse(text: string): boolean {
  const length = bareLength(text);
  if (length >= minPadded && /[^=]={1,2}\s*$/.test(text)) return true;
  const pieces = text.trim().split(/\s+/);
  if (pieces.some((piece) => piece.length >= minLine)) return true;
  if (length < minMeanPiece * pieces.length) return false;
  return pieces.some(
    (piece) =>
      piece.length >= minMixedPiece && /[a-z]/.test(piece) && /[A-Z]/.test(piece) && /\d/.test(piece),
  );
}
