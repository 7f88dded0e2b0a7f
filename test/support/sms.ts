// An SMS as the app makes it, written against docs/protocol.md with node:crypto alone: it shares no code with the
// server, so that both cannot be wrong in the same way.

import { isUtf8 } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** base64( IV + base64( AES-256-CBC( message ) ) ); the IV is 16 ASCII characters. */
export function encryptAsApp(
  sharedKey: string,
  message: string | Buffer,
  iv = randomBytes(8).toString('hex'),
): string {
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(sharedKey), Buffer.from(iv, 'latin1'));
  const ciphertext = Buffer.concat([cipher.update(message), cipher.final()]);
  return Buffer.from(`${iv}${ciphertext.toString('base64')}`, 'latin1').toString('base64');
}

/**
 * Whether a changed SMS is still one: the format has no MAC, so one garbled block in ten thousand happens to be UTF-8.
 * `iv` and `ciphertext` are as `encryptAsApp` joins them.
 */
export function isReadableByChance(sharedKey: string, iv: Buffer, ciphertext: Buffer): boolean {
  const decipher = createDecipheriv('aes-256-cbc', Buffer.from(sharedKey), iv);
  try {
    return isUtf8(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
  } catch {
    return false;
  }
}
