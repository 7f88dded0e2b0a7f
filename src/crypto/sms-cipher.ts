// The text of an inbound SMS: base64( IV + base64( AES-256-CBC ) ) under the key that a phone shares with the server.
// Used by publishing, and by `swob sms`.
//
// The format has no MAC, so the writer of a message is not authenticated: a changed bit of the IV changes the same
// bit of the first 16 bytes, and a changed block is detected only because the result is hardly ever UTF-8.

import { isUtf8 } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SwobError } from '../errors.ts';
import { blankReadings, decodeBase64 } from './base64-text.ts';

const algorithm = 'aes-256-cbc';
const blockBytes = 16;
const keyBytes = 32;
/** Characters of a text; the longest SMS of a gateway client has far fewer. */
const maxLength = 40_000;

/** The text that a phone sends for `message`, with a new IV. Throws BAD_INPUT when the key is not 32 bytes. */
export function encryptSms(sharedKey: string, message: string): string {
  const iv = randomBytes(blockBytes / 2).toString('hex');
  const cipher = createCipheriv(algorithm, keyOf(sharedKey), iv);
  const ciphertext = cipher.update(message, 'utf8', 'base64') + cipher.final('base64');
  return Buffer.from(iv + ciphertext).toString('base64');
}

/**
 * The message, byte for byte; `undefined` for every failure: not the form of an SMS, bad padding, no content, or no
 * UTF-8. The same steps are taken whatever the padding, so that neither result nor timing reveals it. Throws
 * BAD_INPUT when the key is not 32 bytes.
 */
export function decryptSms(sharedKey: string, text: string): string | undefined {
  return decryptWithKeys([sharedKey], text)[0];
}

/** The same for several keys, one after the other; the text is parsed once. */
export function decryptWithKeys(
  sharedKeys: readonly string[],
  text: string,
): readonly (string | undefined)[] {
  const keys = sharedKeys.map(keyOf);
  const parts = parseSms(text);
  return keys.map((key) => parts && decryptParts(key, parts));
}

function decryptParts(key: Buffer, { iv, ciphertext }: SmsParts): string | undefined {
  // Of whole blocks without padding `update` returns all, so that `final` would only allocate an empty buffer for each key.
  const padded = createDecipheriv(algorithm, key, iv).setAutoPadding(false).update(ciphertext);
  const padding = paddingLength(padded);
  const message = padded.subarray(0, padded.length - padding);
  const wellFormed = isUtf8(message);
  return padding > 0 && wellFormed && message.length > 0 ? message.toString('utf8') : undefined;
}

/**
 * The canonical spelling of a text that has the outer form of an encrypted SMS; undefined for all others. The form:
 * at most 40,000 characters, base64, an IV of printable ASCII, whole blocks. White space in either layer of base64 is
 * ignored, because Android breaks lines after 76 characters. The outer layer may also have lost its padding, be URL-safe, or
 * have blanks for its `+`: the length of the inner one proves which.
 */
export function canonicalSms(text: string): string | undefined {
  const parts = parseSms(text);
  return parts && `${parts.iv.toString('latin1')}${parts.ciphertext.toString('base64')}`;
}

interface SmsParts {
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
}

function parseSms(text: string): SmsParts | undefined {
  if (text.length > maxLength) return undefined;
  for (const reading of blankReadings(text)) {
    const parts = parseReading(reading);
    if (parts) return parts;
  }
  return undefined;
}

function parseReading(text: string): SmsParts | undefined {
  const inner = decodeBase64(text)?.toString('latin1') ?? '';
  const iv = inner.slice(0, blockBytes);
  const ciphertext = decodeCanonical(inner.slice(blockBytes));
  if (!/^[\x20-\x7e]{16}$/.test(iv) || !ciphertext?.length || ciphertext.length % blockBytes > 0)
    return undefined;
  return { iv: Buffer.from(iv), ciphertext };
}

/** Node's decoder skips invalid characters, so the bytes have to encode to the same text again. */
function decodeCanonical(text: string): Buffer | undefined {
  const digits = text.replace(/[\t\n\f\r ]+/g, '');
  const bytes = Buffer.from(digits, 'base64');
  return bytes.toString('base64') === digits ? bytes : undefined;
}

/** The length of the PKCS#7 padding; 0 when it is invalid. Always reads the whole last block, for constant time. */
function paddingLength(padded: Buffer): number {
  const last = padded.subarray(-blockBytes);
  const length = last.readUInt8(blockBytes - 1);
  let wrong = 0;
  for (let index = 0; index < blockBytes; index++) {
    wrong += Number(index >= blockBytes - length && last[index] !== length);
  }
  return length <= blockBytes && wrong === 0 ? length : 0;
}

function keyOf(sharedKey: string): Buffer {
  const key = Buffer.from(sharedKey, 'utf8');
  if (key.length !== keyBytes) throw new SwobError('BAD_INPUT', `a shared key has ${keyBytes} characters`);
  return key;
}
