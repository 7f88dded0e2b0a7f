// Parts of a long SMS as one text, to which others can be added: only what is new is decoded. Used by part-assembly.ts.

import { decodeBase64 } from '../../crypto/base64-text.ts';

/** Parts as one text, with what is needed to add another one without decoding these again. */
export interface Joined {
  readonly text: string;
  readonly blanks: number;
  /** How many digits of base64 it has, with blanks as `+`. */
  readonly length: number;
  /** Those after the last complete group. */
  readonly rest: string;
  /** Letters of either alphabet that the complete groups have: `+/`, `-_`, and the padding. */
  readonly special: string;
  /** The first bytes, as many as the first part has. */
  readonly head: Buffer;
  /** Bytes of the complete groups. */
  readonly size: number;
  /** What these bytes are of an encrypted SMS; undefined when they begin none. */
  readonly inner: Inner | undefined;
}

/** The inner base64 of an encrypted SMS, so far. */
interface Inner {
  /** Without white space. */
  readonly length: number;
  /** Its last two characters. */
  readonly end: string;
  /** From the padding on, after which only white space may follow. */
  readonly padding: string;
}

export const nothing: Joined = {
  text: '',
  blanks: 0,
  length: 0,
  rest: '',
  special: '',
  head: Buffer.alloc(0),
  size: 0,
  inner: undefined,
};

/** Undefined when the whole is not base64. */
export function append(joined: Joined, text: string): Joined | undefined {
  const digits = digitsOf(text);
  const all = joined.rest + digits;
  const groups = all.slice(0, all.length - (all.length % 4));
  const special = joined.special + groups.replace(/[A-Za-z0-9]+/g, '');
  if (groups !== '' && !isOneAlphabet(joined.special, special)) return undefined;
  const bytes = decodeBase64(groups);
  if (!bytes) return undefined;
  const isFirst = joined === nothing;
  return {
    text: joined.text + text,
    blanks: joined.blanks + blanksIn(text),
    length: joined.length + digits.length,
    rest: all.slice(groups.length),
    special: [...new Set(special)].join(''),
    head: isFirst ? bytes : joined.head,
    size: joined.size + bytes.length,
    inner: isFirst ? beginInner(bytes) : joined.inner && continueInner(joined.inner, bytes),
  };
}

/** Padding ends a text, and the two alphabets are not mixed. */
function isOneAlphabet(before: string, all: string): boolean {
  return !before.includes('=') && !(/[+/]/.test(all) && /[-_]/.test(all));
}

const digitsOf = (text: string): string => text.replaceAll(' ', '+').replace(/\s/g, '');

const blanksIn = (text: string): number => text.split(' ').length - 1;

const ivBytes = 16;
const blockBytes = 16;

function beginInner(bytes: Buffer): Inner | undefined {
  if (!/^[\x20-\x7e]{16}$/.test(bytes.toString('latin1', 0, ivBytes))) return undefined;
  return continueInner({ length: 0, end: '', padding: '' }, bytes.subarray(ivBytes));
}

/** Undefined when the bytes are no base64. White space has one place in the expressions, so that it is tried in one way. */
function continueInner({ length, end, padding }: Inner, bytes: Buffer): Inner | undefined {
  const more = bytes.toString('latin1');
  const form = padding ? /^={1,2}\s*$/ : /^[A-Za-z0-9+/\s]*(?:={1,2}\s*)?$/;
  if (!form.test(padding + more)) return undefined;
  const bare = innerOf(more);
  const at = more.indexOf('=');
  return {
    length: length + bare.length,
    end: (end + bare).slice(-2),
    padding: padding ? padding + more : at < 0 ? '' : more.slice(at),
  };
}

const innerOf = (text: string): string => text.replace(/[\t\n\f\r ]/g, '');

/** The last text of a whole, or none. */
export interface End {
  readonly index: number | undefined;
  readonly text: string;
  readonly digits: string;
  readonly blanks: number;
}

export const endOf = (text: string, index?: number): End => ({
  index,
  text,
  digits: digitsOf(text),
  blanks: blanksIn(text),
});
export const noEnd = endOf('');

/** Whether the inner base64 of an encrypted SMS with this end would be of whole blocks. */
export function hasWholeBlocks({ inner, rest }: Joined, { digits }: End): boolean {
  if (!inner) return false;
  const more = innerOf(Buffer.from(rest + digits, 'base64').toString('latin1'));
  const length = inner.length + more.length;
  const end = (inner.end + more).slice(-2);
  const padding = end === '==' ? 2 : Number(end.endsWith('='));
  return length % 4 === 0 && ((length / 4) * 3 - padding) % blockBytes === 0;
}
