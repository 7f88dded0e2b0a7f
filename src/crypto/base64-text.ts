// Base64 as it arrives in SMS: wrapped, unpadded, in the URL-safe alphabet, or with `+` turned into a blank by a form decoder. Used
// by sms-cipher.ts and payload-form.ts.

/** Android wraps base64 after so many characters. */
const androidLine = 76;

/**
 * Decodes a text of the standard or the URL-safe alphabet, padded or not; white space is skipped. Undefined when it is not
 * base64: other characters, both alphabets, a length that no bytes have, or bits left over without complete padding to prove
 * the length.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const digits = text.replace(/[\t\n\f\r ]+/g, '');
  const isStandard = /^[A-Za-z0-9+/]*={0,2}$/.test(digits);
  if (!isStandard && !/^[A-Za-z0-9_-]*={0,2}$/.test(digits)) return undefined;
  const bare = digits.replace(/=+$/, '');
  if (bare.length % 4 === 1) return undefined;
  const bytes = Buffer.from(bare, 'base64');
  const isPadded = bare.length < digits.length && digits.length % 4 === 0;
  const encoded = bytes.toString(isStandard ? 'base64' : 'base64url').replace(/=+$/, '');
  return isPadded || encoded === bare ? bytes : undefined;
}

/**
 * The texts that this one may have been before its `+` became blanks, the likeliest first; the text alone when it has no
 * blank. Line breaks stay.
 */
export function blankReadings(text: string): readonly string[] {
  if (!text.includes(' ')) return [text];
  const inner = text.trim();
  const plus = (reading: string | undefined) => reading?.replaceAll(' ', '+');
  // A blank wherever Android breaks lines is hardly ever a `+`; one at the end may be.
  const unwrapped = [withoutWraps(text), withoutWraps(inner)].map(plus);
  const readings = [...unwrapped, plus(inner), inner.replaceAll(' ', ''), plus(text)];
  return [...new Set(readings.filter((reading) => reading !== undefined))];
}

/** Without the blanks that stand where Android breaks lines; undefined when another character stands there. */
function withoutWraps(text: string): string | undefined {
  const lines: string[] = [];
  for (let start = 0; start < text.length; start += androidLine + 1) {
    const end = start + androidLine;
    if (end < text.length && text[end] !== ' ') return undefined;
    lines.push(text.slice(start, end));
  }
  return lines.length > 1 ? lines.join('') : undefined;
}
