// Reads an RSA public key that somebody else sent (a phone) or kept (our own key file), and makes it
// canonical. Used by the handshake and by keypair.ts.

import { constants, createHash, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto';
import { SwobError } from '../errors.ts';

export interface PhoneKey {
  readonly key: KeyObject;
  /** Canonical SPKI PEM: the same text for the same key, however it was sent. */
  readonly pem: string;
  /** SHA-256 of the SPKI DER, 64 lower-case hex characters. */
  readonly fingerprint: string;
}

/** Characters; the longest key that is accepted takes about 1,500. */
const maxText = 16 * 1024;
const bounds = { minBits: 2048, maxBits: 8192, minExponent: 65_537n, maxExponent: 2n ** 64n };

/**
 * Reads an SPKI (`PUBLIC KEY`) or PKCS#1 (`RSA PUBLIC KEY`) PEM with any line breaks or none. Accepts RSA
 * of 2048 to 8192 bits with an odd exponent from 65537; throws BAD_INPUT for all else.
 */
export function readPublicKey(pem: string): PhoneKey {
  const { der, type } = unwrap(pem);
  const key = parse(der, type);
  if (key.asymmetricKeyType !== 'rsa') throw refused(`is of type ${key.asymmetricKeyType}, not RSA`);
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < bounds.minBits || modulusLength > bounds.maxBits) {
    throw refused(`has ${modulusLength} bits; ${bounds.minBits} to ${bounds.maxBits} are accepted`);
  }
  // A large one only makes us work.
  if (
    publicExponent < bounds.minExponent ||
    publicExponent >= bounds.maxExponent ||
    publicExponent % 2n === 0n
  ) {
    throw refused(
      `has an exponent that is weak or too large; an odd one from ${bounds.minExponent} to 2^64 is accepted`,
    );
  }
  // OpenSSL reads past extra bytes and odd parameters; RFC 3279 and every real client write just this.
  if (!der.equals(key.export({ type, format: 'der' }))) throw refused('is not canonical DER');
  checkUsable(key, modulusLength);
  // Each export takes OpenSSL as long as five encryptions.
  const spki = type === 'spki' ? der : key.export({ type: 'spki', format: 'der' });
  return { key, pem: armoured(spki), fingerprint: fingerprintOf(spki) };
}

/** Reads a `pem` that `readPublicKey` has returned, without its checks. */
export function rereadPublicKey(pem: string): PhoneKey {
  const { der } = unwrap(pem);
  const key = parse(der, 'spki');
  return { key, pem, fingerprint: fingerprintOf(der) };
}

/** As OpenSSL writes it. */
function armoured(spki: Buffer): string {
  const lines = spki.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
}

function fingerprintOf(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex');
}

/** The DER inside the PEM's armour. */
function unwrap(pem: string): { der: Buffer; type: 'spki' | 'pkcs1' } {
  if (pem.length > maxText) throw refused(`is longer than ${maxText} characters`);
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
  if (label === undefined) throw refused('is not PEM: no "-----BEGIN PUBLIC KEY-----"');
  if (label.endsWith('PRIVATE KEY'))
    throw refused('is a private key; send the public one, and make a new pair');
  if (label !== 'PUBLIC KEY' && label !== 'RSA PUBLIC KEY') {
    throw refused('is PEM of another kind; PUBLIC KEY and RSA PUBLIC KEY are accepted');
  }
  const armour = new RegExp(`^\\s*-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----\\s*$`);
  const base64 = armour.exec(pem)?.[1]?.replace(/\s/g, '');
  const der = Buffer.from(base64 ?? '', 'base64');
  if (base64 === undefined || der.toString('base64') !== base64) throw refused('is damaged PEM');
  return { der, type: label === 'PUBLIC KEY' ? 'spki' : 'pkcs1' };
}

function parse(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject {
  try {
    const key = createPublicKey({ key: der, format: 'der', type });
    if (type === 'spki' || key.asymmetricKeyType !== 'rsa') return key;
    // OpenSSL 3.5 (Node 24) cannot write a key that it read as PKCS#1 as PKCS#1 again.
    return createPublicKey({ key: key.export({ type: 'spki', format: 'der' }), format: 'der', type: 'spki' });
  } catch {
    throw refused('cannot be read: the PEM holds no key');
  }
}

/** One trial encryption: an even modulus or an outsized exponent parses, and fails only when used. */
function checkUsable(key: KeyObject, bits: number): void {
  const probe = Buffer.alloc(Math.ceil(bits / 8), 1).fill(0, 0, 1);
  try {
    publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, probe);
  } catch {
    throw refused('cannot be used to encrypt');
  }
}

function refused(why: string): SwobError {
  return new SwobError('BAD_INPUT', `public key ${why}`);
}
