// Reads an RSA public key (SPKI, DER) that is written just as RFC 3279 has it, as every real client does; OpenSSL's own
// decoder and encoder take 220 us for what is 10 us here. Used by public-key.ts, which hands it all others.

import { createPublicKey, type KeyObject } from 'node:crypto';

const sequence = 0x30;
const integer = 0x02;
const bitString = 0x03;
/** SEQUENCE { OID rsaEncryption, NULL } */
const rsaEncryption = Buffer.from('300d06092a864886f70d0101010500', 'hex');
const noUnusedBits = Buffer.from([0]);

/**
 * The key, when the bytes are its one canonical encoding: they are taken apart, put together again, and must be the
 * same. Undefined for everything else. That the numbers make a usable key is not looked at.
 */
export function readCanonicalSpki(der: Buffer): KeyObject | undefined {
  const numbers = contentOf(
    contentOf(contentOf(der, sequence), bitString, rsaEncryption.length),
    sequence,
    1,
  );
  const n = contentOf(numbers, integer);
  const e = n && numbers && contentOf(numbers, integer, n.byteOffset + n.length - numbers.byteOffset);
  if (!n || !e || !isNatural(n) || !isNatural(e)) return undefined;
  const rsaKey = wrapped(sequence, wrapped(integer, n), wrapped(integer, e));
  const spki = wrapped(sequence, rsaEncryption, wrapped(bitString, noUnusedBits, rsaKey));
  if (!spki.equals(der)) return undefined;
  return createPublicKey({ key: { kty: 'RSA', n: base64url(n), e: base64url(e) }, format: 'jwk' });
}

/** What is inside the element at `at`; undefined when it is of another kind or does not fit. */
function contentOf(bytes: Buffer | undefined, tag: number, at = 0): Buffer | undefined {
  const first = bytes?.[at + 1];
  if (!bytes || bytes[at] !== tag || first === undefined) return undefined;
  const digits = first < 0x80 ? 0 : first - 0x80;
  // The longest key that is accepted needs two.
  if (digits > 2 || at + 2 + digits > bytes.length) return undefined;
  const length = digits === 0 ? first : bytes.readUIntBE(at + 2, digits || 1);
  const start = at + 2 + digits;
  return start + length <= bytes.length ? bytes.subarray(start, start + length) : undefined;
}

function wrapped(tag: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), ...parts]);
}

/** An integer of the fewest bytes that is not negative. */
function isNatural([first, second = 0]: Buffer): boolean {
  return first !== undefined && first < 0x80 && (first > 0 || second >= 0x80);
}

/** Without the zero in front that keeps an integer from being negative. */
function base64url(natural: Buffer): string {
  return natural.subarray(natural[0] === 0 ? 1 : 0).toString('base64url');
}
