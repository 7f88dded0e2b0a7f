// RSA-OAEP with Android's default hashes: SHA-256 for the label, SHA-1 for MGF1. node:crypto sets both to one hash, so
// RSA is native and the padding is node-forge's. Used for passwords and shared keys in pairing.

import { constants, type KeyObject, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import pkcs1 from 'node-forge/lib/pkcs1.js';
import sha1 from 'node-forge/lib/sha1.js';
import sha256 from 'node-forge/lib/sha256.js';
import { SwobError } from '../errors.ts';

const padding = constants.RSA_NO_PADDING;
const hashBytes = 32;
/** Bytes of a block that carry no message: two hashes, the leading zero and the separator. */
const paddingBytes = 2 * hashBytes + 2;

/**
 * Encrypts up to (key bytes - 66) bytes under an RSA public key; the ciphertext is as long as the key.
 * Throws BAD_INPUT when the message is longer.
 */
export function oaepEncrypt(publicKey: KeyObject, message: Uint8Array): Buffer {
  const bits = modulusBits(publicKey);
  const maxBytes = Math.ceil(bits / 8) - paddingBytes;
  if (message.length > maxBytes) {
    throw new SwobError(
      'BAD_INPUT',
      `cannot encrypt ${message.length} bytes under an RSA key of ${bits} bits; at most ${maxBytes} fit`,
    );
  }
  const block = pkcs1.encode_rsa_oaep(forgeKey(bits), Buffer.from(message).toString('latin1'), {
    seed: randomBytes(hashBytes).toString('latin1'),
    ...digests(),
  });
  return publicEncrypt({ key: publicKey, padding }, Buffer.from(block, 'latin1'));
}

/**
 * The message, or `undefined` for every failure, so that a caller cannot distinguish them. A ciphertext that RSA itself
 * rejects is unpadded too, so that timing is not a Manger oracle.
 */
export function oaepDecrypt(privateKey: KeyObject, ciphertext: Uint8Array): Buffer | undefined {
  const bits = modulusBits(privateKey);
  try {
    const block = rawDecrypt(privateKey, ciphertext, Math.ceil(bits / 8));
    return Buffer.from(pkcs1.decode_rsa_oaep(forgeKey(bits), block, digests()), 'latin1');
  } catch {
    return undefined;
  }
}

/** The padded block as a binary string, or a block that cannot be unpadded when RSA rejects the ciphertext. */
function rawDecrypt(privateKey: KeyObject, ciphertext: Uint8Array, keyBytes: number): string {
  const invalid = '\xff'.repeat(keyBytes);
  // OpenSSL reads a shorter ciphertext as a smaller number; RFC 8017 requires exactly the key's length.
  if (ciphertext.length !== keyBytes) return invalid;
  try {
    return privateDecrypt({ key: privateKey, padding }, ciphertext).toString('latin1');
  } catch {
    return invalid;
  }
}

const digests = () => ({ md: sha256.create(), mgf1: { md: sha1.create() } });

/** The padding needs only the length of the key. */
const forgeKey = (bits: number) => ({ n: { bitLength: () => bits } });

function modulusBits(key: KeyObject): number {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined) throw new SwobError('INTERNAL', 'OAEP needs an RSA key');
  return bits;
}
