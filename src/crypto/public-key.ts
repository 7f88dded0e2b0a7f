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
  const key = readCanonical(der, type);
  if (!key) throw refused(faultOf(der, type));
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (!isFit(modulusLength)) throw refused(faultOfSize(modulusLength));
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
  checkUsable(key, modulusLength);
  const spki = spkiOf(key);
  return { key, pem: armoured(spki), fingerprint: fingerprintOf(spki) };
}

/** Reads a `pem` that `readPublicKey` has returned, without its checks. */
export function rereadPublicKey(pem: string): PhoneKey {
  const { der } = unwrap(pem);
  return { key: parse(der.subarray(spkiHead), 'pkcs1'), pem, fingerprint: fingerprintOf(der) };
}

/** What stands before the PKCS#1 form in the SPKI of every RSA key of an accepted size, in bytes. */
const spkiHead = 24;

/**
 * A key that is in the one DER that RFC 3279 allows; undefined for all else. OpenSSL reads past extra bytes and odd
 * parameters, so it is written again and compared.
 */
function readCanonical(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    // As PKCS#1: OpenSSL 3.0 takes twenty times as long to read an SPKI, and to write what it read as one.
    const key = parse(type === 'spki' ? der.subarray(spkiHead) : der, 'pkcs1');
    const spki = spkiOf(key);
    return der.equals(type === 'spki' ? spki : spki.subarray(spkiHead)) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Why a key was not read; says it for every size, for what is not RSA, and for what is no key. */
function faultOf(der: Buffer, type: 'spki' | 'pkcs1'): string {
  let key: KeyObject;
  try {
    key = parse(der, type);
  } catch {
    return 'cannot be read: the PEM holds no key';
  }
  if (key.asymmetricKeyType !== 'rsa') return `is of type ${key.asymmetricKeyType}, not RSA`;
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return isFit(modulusLength) ? 'is not canonical DER' : faultOfSize(modulusLength);
}

function isFit(bits: number): boolean {
  return bits >= bounds.minBits && bits <= bounds.maxBits;
}

function faultOfSize(bits: number): string {
  return `has ${bits} bits; ${bounds.minBits} to ${bounds.maxBits} are accepted`;
}

function parse(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject {
  return createPublicKey({ key: der, format: 'der', type });
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
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
