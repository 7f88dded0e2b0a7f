// Finds the parts of a long SMS that together are one payload. Nothing in a part says to which SMS it belongs, so that the payload itself
// has to prove it: by the form of an encrypted SMS, or by the length fields of a RelaySMS payload. Used by parts.ts.

import {
  cannotBeProse,
  describePayload,
  hasIrregularLines,
  type PayloadForm,
} from '../../crypto/payload-form.ts';
import { declaredSizes } from '../../crypto/relay-format.ts';
import { append, type End, endOf, hasWholeBlocks, type Joined, noEnd, nothing } from './joined-parts.ts';

/** Characters of each part of a long SMS but the last, in the alphabet of GSM 03.38. */
export const partLength = 153;
/** Parts of one SMS. */
const maxPartsOfSms = 16;
/** Parts of one sender that wait at the same time. */
export const maxPartsOfSender = 2 * maxPartsOfSms;
/** Characters of a text that is not a word. */
const minLikely = 12;
/** Sequences of parts that are tried for one new part, and those that are read because their length is that of a whole. */
const maxTried = 1_000;
const maxRead = 200;
/** As many as take the time of reading one. */
const triedPerStep = 10;

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
 * order of their arrival, or in another order where only that one fits. Undefined before each step of work, so that others can have
 * their turn.
 */
export function* findWholes(
  texts: readonly string[],
  newest?: number,
): Generator<readonly number[] | undefined> {
  const parts = [...texts.keys()].filter((index) => texts[index]?.length === partLength);
  const ends = [...texts.keys()]
    .filter((index) => !parts.includes(index))
    .map((index) => endOf(texts[index] ?? '', index));
  let tried = 0;
  let read = 0;

  function* extend(
    sequence: readonly number[],
    joined: Joined,
    bounds: Bounds,
  ): Generator<readonly number[] | undefined> {
    for (const end of [...ends, noEnd]) {
      const whole = end.index === undefined ? sequence : [...sequence, end.index];
      if (whole.length < 2 || (newest !== undefined && !whole.includes(newest))) continue;
      if (!mayBeWhole(joined, end, bounds)) continue;
      if (++read > maxRead) return;
      yield undefined;
      if (isWhole(joined.text + end.text)) yield whole;
    }
    if (sequence.length >= maxPartsOfSms - 1) return;
    for (const next of parts) {
      if (sequence.includes(next)) continue;
      if (++tried > maxTried) return;
      if (tried % triedPerStep === 0) yield undefined;
      const longer = append(joined, texts[next] ?? '');
      if (longer && fits(longer, bounds)) yield* extend([...sequence, next], longer, bounds);
    }
  }

  for (const first of parts) {
    const joined = append(nothing, texts[first] ?? '');
    const bounds = joined && boundsOf(joined);
    if (bounds) yield* extend([first], joined, bounds);
  }
}

/** What the first part says about the whole. */
interface Bounds {
  /** Whether it begins as an encrypted SMS does. */
  readonly isEncrypted: boolean;
  /** The bytes that a RelaySMS payload with this beginning may have; none when it does not begin as one. */
  readonly sizes: readonly { readonly min: number; readonly max: number }[];
}

/** An unknown device id, in bytes. */
const maxDeviceId = 64;

function boundsOf({ head, inner }: Joined): Bounds | undefined {
  const isEncrypted = inner !== undefined;
  const sizes = declaredSizes(head)
    .map((size) => ({ min: size.bytes, max: size.exact ? size.bytes : size.bytes + maxDeviceId }))
    .filter(({ max }) => max > head.length);
  return isEncrypted || sizes.length > 0 ? { isEncrypted, sizes } : undefined;
}

/** Whether parts that begin so may still become a whole. */
function fits({ text, size, inner }: Joined, { isEncrypted, sizes }: Bounds): boolean {
  if (isEncrypted && inner) return true;
  return sizes.some(({ max }) => size <= max) && linesFit(text);
}

/** Whether the parts and this end have the length of a whole; most sequences end here, before they are read. */
function mayBeWhole(joined: Joined, end: End, { isEncrypted, sizes }: Bounds): boolean {
  const isSize = (length: number): boolean =>
    // Padding and an incomplete group make a difference of up to two bytes.
    sizes.some(({ min, max }) => (length * 3) / 4 > min - 1 && (length * 3) / 4 < max + 3);
  const length = joined.length + end.digits.length;
  const blanks = joined.blanks + end.blanks;
  if (isSize(length) || (blanks > 0 && isSize(length - blanks))) return true;
  if (!isEncrypted) return false;
  // A blank may also be none of the digits.
  return blanks > 0 || hasWholeBlocks(joined, end);
}

function isWhole(joined: string): boolean {
  const form = describePayload(joined);
  if (form.kind === 'v2') return true;
  if (form.kind !== 'relay' || form.format === undefined || form.format === 'segment') return false;
  return !hasIrregularLines(joined) && !isCutV0(joined, form);
}

/** Whether the line breaks so far are where an encoder sets them; the last line is not complete. */
function linesFit(joined: string): boolean {
  const lines = joined.trimEnd().split(/\r?\n/);
  const [first = ''] = lines;
  const last = lines.pop() ?? '';
  return last.length <= first.length && lines.every((line) => line.length === first.length);
}
