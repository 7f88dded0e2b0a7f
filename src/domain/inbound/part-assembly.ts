// Finds the parts of a long SMS that together are one payload. Nothing in a part says to which SMS it belongs, so that the payload itself
// has to prove it: by the form of an encrypted SMS, or by the length fields of a RelaySMS payload. Used by parts.ts.

import { decodeBase64 } from '../../crypto/base64-text.ts';
import {
  cannotBeProse,
  describePayload,
  hasIrregularLines,
  type PayloadForm,
} from '../../crypto/payload-form.ts';
import { declaredSizes } from '../../crypto/relay-format.ts';

/** Characters of each part of a long SMS but the last, in the alphabet of GSM 03.38. */
export const partLength = 153;
/** Parts of one SMS. */
const maxPartsOfSms = 16;
/** Parts of one sender that wait at the same time. */
export const maxPartsOfSender = 2 * maxPartsOfSms;
/** Characters of a text that is not a word. */
const minLikely = 12;
/** Sequences of parts that are tried for one new part, and those that are read because their length is that of a whole: some 100 ms. */
const maxTried = 1_000;
const maxRead = 500;

/**
 * What a text may be of a longer SMS:
 * - `part`: not the last one
 * - `tail`: the last one
 * - undefined: neither, as it is complete, or an ordinary SMS
 */
export interface PartRole {
  readonly kind: 'part' | 'tail';
  /** Whether it is nothing else: neither a message of its own, nor like an ordinary SMS. */
  readonly isOnlyPart: boolean;
}

const partAlphabet = /^[A-Za-z0-9+/_\-\r\n ]*[A-Za-z0-9+/_-]={0,2}\s*$/;

/** The role of a text, which has this form. */
export function partRole(text: string, form: PayloadForm): PartRole | undefined {
  // Padding alone completes nothing: payloads are read without it.
  if (text.length > partLength || !partAlphabet.test(text) || form.kind === 'v2') return undefined;
  const kind = text.length === partLength ? 'part' : 'tail';
  const format = form.kind === 'relay' ? form.format : undefined;
  // One middle part in 256 looks like a segment.
  if (format === 'segment') return { kind, isOnlyPart: false };
  const mayBeProse = /\s/.test(text.trim()) && !cannotBeProse(text);
  if (kind === 'part' && isCutV0(text, form)) return { kind, isOnlyPart: true };
  if (format !== undefined || (mayBeProse && (kind === 'part' || text.includes(' ')))) return undefined;
  if (kind === 'part') {
    const isWhole = form.kind === 'relay' && !isLonger(form.bytes) && isWrappedWhole(text);
    return { kind, isOnlyPart: !isWhole };
  }
  const isWhole = form.kind === 'relay' && !/^\s/.test(text) && !hasIrregularLines(text);
  // Words and codes are as short as the ends of payloads; most are ordinary SMS.
  const isOrdinary =
    !/=\s*$/.test(text) &&
    (mayBeProse || !(text.length >= minLikely && /[a-z]/i.test(text) && /[\d+/_]/.test(text)));
  return { kind, isOnlyPart: !isWhole && !isOrdinary };
}

/** Whether the text has the line breaks of a whole one; of this length it cannot be base64 without any. */
function isWrappedWhole(text: string): boolean {
  return /^\S[\s\S]*\n$/.test(text) && !hasIrregularLines(text);
}

/** Bytes of a device id as the RelaySMS app makes it. */
const deviceIdBytes = 32;

/**
 * Whether the end of the device id may be missing, which has no length field in V0: the text ends within a line, while Android ends every
 * line, also the last.
 */
function isCutV0(text: string, form: PayloadForm): boolean {
  if (form.kind !== 'relay' || form.format !== 'v0' || !/\n.*[^=\n]$/.test(text)) return false;
  return declaredSizes(form.bytes).some(
    ({ exact, bytes }) => !exact && form.bytes.length < bytes + deviceIdBytes,
  );
}

/** Whether the length fields of the first bytes declare more than these bytes. */
function isLonger(bytes: Buffer): boolean {
  return declaredSizes(bytes).some((size) => size.bytes > bytes.length);
}

/**
 * The sequences of these texts, in the order of their arrival, that together are a whole payload, and contain the one at `newest` if
 * it is given: indexes, the likeliest first. A sequence begins with a part whose first bytes are those of a payload; the others follow in the
 * order of their arrival, or in another order where only that one fits.
 */
export function* findWholes(texts: readonly string[], newest?: number): Generator<readonly number[]> {
  const parts = [...texts.keys()].filter((index) => texts[index]?.length === partLength);
  const tails = [...texts.keys()].filter((index) => !parts.includes(index));
  let tried = 0;
  let read = 0;

  function* extend(
    sequence: readonly number[],
    joined: Joined,
    bounds: Bounds,
  ): Generator<readonly number[]> {
    const mayBeWhole = createLengthCheck(joined, bounds);
    for (const last of [...tails, undefined]) {
      const whole = last === undefined ? sequence : [...sequence, last];
      if (whole.length < 2 || (newest !== undefined && !whole.includes(newest))) continue;
      const end = last === undefined ? '' : (texts[last] ?? '');
      if (!mayBeWhole(end)) continue;
      if (++read > maxRead) return;
      if (isWhole(joined.text + end)) yield whole;
    }
    if (sequence.length >= maxPartsOfSms - 1) return;
    for (const next of parts) {
      if (sequence.includes(next)) continue;
      if (++tried > maxTried) return;
      const longer = decodeJoined(joined.text + texts[next]);
      if (longer && fits(longer, bounds)) yield* extend([...sequence, next], longer, bounds);
    }
  }

  for (const first of parts) {
    const joined = decodeJoined(texts[first] ?? '');
    const bounds = joined && boundsOf(joined);
    if (bounds) yield* extend([first], joined, bounds);
  }
}

/** Parts as one text. */
interface Joined {
  readonly text: string;
  /** Its base64, with blanks as `+`. */
  readonly digits: string;
  /** Of the complete groups. */
  readonly bytes: Buffer;
}

/** Undefined when it is not base64. */
function decodeJoined(text: string): Joined | undefined {
  const digits = digitsOf(text);
  const bytes = decodeBase64(digits.slice(0, digits.length - (digits.length % 4)));
  return bytes && { text, digits, bytes };
}

const digitsOf = (text: string): string => text.replaceAll(' ', '+').replace(/\s/g, '');

/** What the first part says about the whole. */
interface Bounds {
  /** Whether it begins as an encrypted SMS does. */
  readonly isEncrypted: boolean;
  /** The bytes that a RelaySMS payload with this beginning may have; none when it does not begin as one. */
  readonly sizes: readonly { readonly min: number; readonly max: number }[];
}

/** An unknown device id, in bytes. */
const maxDeviceId = 64;

function boundsOf({ bytes }: Joined): Bounds | undefined {
  const isEncrypted = isEncryptedPrefix(bytes);
  const sizes = declaredSizes(bytes)
    .map((size) => ({ min: size.bytes, max: size.exact ? size.bytes : size.bytes + maxDeviceId }))
    .filter(({ max }) => max > bytes.length);
  return isEncrypted || sizes.length > 0 ? { isEncrypted, sizes } : undefined;
}

/** Whether parts that begin so may still become a whole. */
function fits({ text, bytes }: Joined, { isEncrypted, sizes }: Bounds): boolean {
  if (isEncrypted && isEncryptedPrefix(bytes)) return true;
  return sizes.some(({ max }) => bytes.length <= max) && linesFit(text);
}

/** Whether the parts and this end have the length of a whole; most sequences end here, before they are decoded. */
function createLengthCheck({ digits, bytes, text }: Joined, { isEncrypted, sizes }: Bounds) {
  const blanks = blanksIn(text);
  const rest = digits.slice(digits.length - (digits.length % 4));
  const inner = isEncrypted ? innerOf(bytes.subarray(ivBytes)) : '';
  const isSize = (length: number): boolean =>
    // Padding and an incomplete group make a difference of up to two bytes.
    sizes.some(({ min, max }) => (length * 3) / 4 > min - 1 && (length * 3) / 4 < max + 3);
  return (end: string): boolean => {
    const more = digitsOf(end);
    const length = digits.length + more.length;
    const allBlanks = blanks + blanksIn(end);
    if (isSize(length) || (allBlanks > 0 && isSize(length - allBlanks))) return true;
    if (!isEncrypted) return false;
    // A blank may also be none of the digits.
    return allBlanks > 0 || isWholeBlocks(inner + innerOf(Buffer.from(rest + more, 'base64')));
  };
}

const blanksIn = (text: string): number => text.split(' ').length - 1;

const ivBytes = 16;
const blockBytes = 16;

/** The inner base64 of an encrypted SMS. */
function innerOf(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\t\n\f\r ]/g, '');
}

function isWholeBlocks(inner: string): boolean {
  const padding = inner.endsWith('==') ? 2 : Number(inner.endsWith('='));
  return inner.length % 4 === 0 && ((inner.length / 4) * 3 - padding) % blockBytes === 0;
}

function isWhole(joined: string): boolean {
  const form = describePayload(joined);
  if (form.kind === 'v2') return true;
  if (form.kind !== 'relay' || form.format === undefined || form.format === 'segment') return false;
  return !hasIrregularLines(joined) && !isCutV0(joined, form);
}

/** An IV of printable characters, then base64. White space has one place in the expression, so that it is tried in one way. */
function isEncryptedPrefix(bytes: Buffer): boolean {
  return /^[\x20-\x7e]{16}[A-Za-z0-9+/\s]*(?:={1,2}\s*)?$/.test(bytes.toString('latin1'));
}

/** Whether the line breaks so far are where an encoder sets them; the last line is not complete. */
function linesFit(joined: string): boolean {
  const lines = joined.trimEnd().split(/\r?\n/);
  const [first = ''] = lines;
  const last = lines.pop() ?? '';
  return last.length <= first.length && lines.every((line) => line.length === first.length);
}
