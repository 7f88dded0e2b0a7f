// Reads an RSA public key that a phone sent or that our own key file holds, and makes it canonical. Used by the
// handshake and by server-keys.ts.

import { constants, createHash, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto';
import { SwobError } from '../errors.ts';

export interface RsaPublicKey {
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
 * of 2048 to 8192 bits with an odd exponent from 65537; throws BAD_INPUT for everything else.
 */
export function readPublicKey(pem: string): RsaPublicKey {
  const { der, type } = decodePem(pem);
  const key = parseCanonicalDer(der, type);
  if (!key) throw rejected(keyError(der, type));
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (!isSizeAllowed(modulusLength)) throw rejected(sizeError(modulusLength));
  // A large exponent only costs CPU time.
  if (
    publicExponent < bounds.minExponent ||
    publicExponent >= bounds.maxExponent ||
    publicExponent % 2n === 0n
  ) {
    throw rejected(
      `has an exponent that is weak or too large; an odd one from ${bounds.minExponent} to 2^64 is accepted`,
    );
  }
  checkUsable(key, modulusLength);
  const spki = spkiOf(key);
  return { key, pem: encodePem(spki), fingerprint: fingerprintOf(spki) };
}

/** Reads a `pem` that `readPublicKey` returned, without repeating its checks. */
export function readCanonicalPublicKey(pem: string): RsaPublicKey {
  const { der } = decodePem(pem);
  return { key: parse(der.subarray(spkiPrefixBytes), 'pkcs1'), pem, fingerprint: fingerprintOf(der) };
}

/** The fingerprint of a `pem` that `readPublicKey` returned; undefined for a text that is none. */
export function fingerprintOfPem(pem: string): string | undefined {
  try {
    return fingerprintOf(decodePem(pem).der);
  } catch {
    return undefined;
  }
}

/** Length of the SPKI header before the PKCS#1 form, which is the same for every accepted size of key. */
const spkiPrefixBytes = 24;

/**
 * A key in the only DER encoding that RFC 3279 allows; undefined for everything else. OpenSSL ignores extra bytes and
 * odd parameters, so the key is encoded again and compared.
 */
function parseCanonicalDer(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    // As PKCS#1, because OpenSSL 3.0 takes twenty times as long to read an SPKI and to write it again.
    const key = parse(type === 'spki' ? der.subarray(spkiPrefixBytes) : der, 'pkcs1');
    const spki = spkiOf(key);
    return der.equals(type === 'spki' ? spki : spki.subarray(spkiPrefixBytes)) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Why a key was rejected: its size, its type, or that it is not a key. */
function keyError(der: Buffer, type: 'spki' | 'pkcs1'): string {
  let key: KeyObject;
  try {
    key = parse(der, type);
  } catch {
    return 'cannot be read: the PEM holds no key';
  }
  if (key.asymmetricKeyType !== 'rsa') return `is of type ${key.asymmetricKeyType}, not RSA`;
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return isSizeAllowed(modulusLength) ? 'is not canonical DER' : sizeError(modulusLength);
}

function isSizeAllowed(bits: number): boolean {
  return bits >= bounds.minBits && bits <= bounds.maxBits;
}

function sizeError(bits: number): string {
  return `has ${bits} bits; ${bounds.minBits} to ${bounds.maxBits} are accepted`;
}

function parse(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject {
  return createPublicKey({ key: der, format: 'der', type });
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** The PEM that OpenSSL writes. */
function encodePem(spki: Buffer): string {
  const lines = spki.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
}

function fingerprintOf(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex');
}

/** The DER inside a PEM. */
function decodePem(pem: string): { der: Buffer; type: 'spki' | 'pkcs1' } {
  if (pem.length > maxText) throw rejected(`is longer than ${maxText} characters`);
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
  if (label === undefined) throw rejected('is not PEM: no "-----BEGIN PUBLIC KEY-----"');
  if (label.endsWith('PRIVATE KEY'))
    throw rejected('is a private key; send the public one, and make a new pair');
  if (label !== 'PUBLIC KEY' && label !== 'RSA PUBLIC KEY') {
    throw rejected('is PEM of another kind; PUBLIC KEY and RSA PUBLIC KEY are accepted');
  }
  const armour = new RegExp(`^\\s*-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----\\s*$`);
  const base64 = armour.exec(pem)?.[1]?.replace(/\s/g, '');
  const der = Buffer.from(base64 ?? '', 'base64');
  if (base64 === undefined || der.toString('base64') !== base64) throw rejected('is damaged PEM');
  return { der, type: label === 'PUBLIC KEY' ? 'spki' : 'pkcs1' };
}

/** One trial encryption, because an even modulus or an oversized exponent can be parsed and fails only when used. */
function checkUsable(key: KeyObject, bits: number): void {
  const probe = Buffer.alloc(Math.ceil(bits / 8), 1).fill(0, 0, 1);
  try {
    publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, probe);
  } catch {
    throw rejected('cannot be used to encrypt');
  }
}

function rejected(why: string): SwobError {
  return new SwobError('BAD_INPUT', `public key ${why}`);
}
