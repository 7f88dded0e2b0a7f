// The text of an inbound SMS: base64( IV + base64( AES-256-CBC ) ) under the key that a phone shares with the
// server. Used by publishing, and by `swob sms`.
//
// The format has no MAC, so this cannot tell who wrote a message: a changed bit of the IV changes the same bit of
// the first 16 bytes, and a changed block is noticed only because what comes of it is hardly ever UTF-8.

import { isUtf8 } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SwobError } from '../errors.ts';

const algorithm = 'aes-256-cbc';
const blockBytes = 16;
const keyBytes = 32;
/** Characters of a text; the longest SMS of a gateway client has far fewer. */
const maxLength = 40_000;

/** What phones send for `message`, with a fresh IV. Throws BAD_INPUT when the key is not 32 bytes. */
export function encryptSms(sharedKey: string, message: string): string {
  const iv = randomBytes(blockBytes / 2).toString('hex');
  const cipher = createCipheriv(algorithm, keyOf(sharedKey), iv);
  const ciphertext = cipher.update(message, 'utf8', 'base64') + cipher.final('base64');
  return Buffer.from(iv + ciphertext).toString('base64');
}

/**
 * The message, byte for byte; `undefined` for every way in which this can fail: not the form of an SMS, bad
 * padding, nothing in it, or no UTF-8. Whatever the key, the same steps are taken, so that neither answer nor
 * time tell good padding from bad. Throws BAD_INPUT when the key is not 32 bytes.
 */
export function decryptSms(sharedKey: string, text: string): string | undefined {
  const key = keyOf(sharedKey);
  const parts = partsOf(text);
  if (!parts) return undefined;
  const decipher = createDecipheriv(algorithm, key, parts.iv).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(parts.ciphertext), decipher.final()]);
  const padding = paddingOf(padded);
  const message = padded.subarray(0, padded.length - padding);
  const wellFormed = isUtf8(message);
  return padding > 0 && wellFormed && message.length > 0 ? message.toString('utf8') : undefined;
}

/**
 * The one spelling of a text that has the outward form of an SMS, whoever may have written it; undefined for all
 * others. The form: at most 40,000 characters, base64 in its canonical spelling, an IV of printable ASCII, whole
 * blocks. White space in either layer of base64 is ignored: Android breaks lines after 76 characters.
 */
export function canonicalSms(text: string): string | undefined {
  const parts = partsOf(text);
  return parts && `${parts.iv.toString('latin1')}${parts.ciphertext.toString('base64')}`;
}

function partsOf(text: string): { readonly iv: Buffer; readonly ciphertext: Buffer } | undefined {
  if (text.length > maxLength) return undefined;
  const inner = decodeBase64(text)?.toString('latin1') ?? '';
  const iv = inner.slice(0, blockBytes);
  const ciphertext = decodeBase64(inner.slice(blockBytes));
  if (!/^[\x20-\x7e]{16}$/.test(iv) || !ciphertext?.length || ciphertext.length % blockBytes > 0)
    return undefined;
  return { iv: Buffer.from(iv), ciphertext };
}

/** Node's decoder skips what it does not know, so the bytes have to give the same text again. */
function decodeBase64(text: string): Buffer | undefined {
  const digits = text.replace(/[\t\n\f\r ]+/g, '');
  const bytes = Buffer.from(digits, 'base64');
  return bytes.toString('base64') === digits ? bytes : undefined;
}

/** How many bytes PKCS#7 has added; 0 when it cannot have added these. Every byte of the last block is looked at. */
function paddingOf(padded: Buffer): number {
  const last = padded.subarray(-blockBytes);
  const length = last.readUInt8(blockBytes - 1);
  const wrong = last.filter((byte, index) => index >= blockBytes - length && byte !== length).length;
  return length <= blockBytes && wrong === 0 ? length : 0;
}

function keyOf(sharedKey: string): Buffer {
  const key = Buffer.from(sharedKey, 'utf8');
  if (key.length !== keyBytes) throw new SwobError('BAD_INPUT', `a shared key has ${keyBytes} characters`);
  return key;
}
