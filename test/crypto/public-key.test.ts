// What the handshake accepts as a phone's key, and what it refuses.

import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPublicKey } from '../../src/crypto/public-key.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const der = publicKey.export({ type: 'spki', format: 'der' });
const fingerprint = createHash('sha256').update(der).digest('hex');

const armour = (label: string, body: Uint8Array) =>
  `-----BEGIN ${label}-----\n${Buffer.from(body).toString('base64')}\n-----END ${label}-----\n`;
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const publicPem = (modulusLength: number, publicExponent = 65_537) =>
  pemOf(generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey);
/** A public key from numbers that no key generator produces. */
const fromNumbers = (n: Uint8Array, e: Uint8Array) =>
  pemOf(
    createPublicKey({
      key: {
        kty: 'RSA',
        n: Buffer.from(n).toString('base64url'),
        e: Buffer.from(e).toString('base64url'),
      },
      format: 'jwk',
    }),
  );
const modulus = (bytes: number, last: number) => {
  const n = Buffer.alloc(bytes, 0xc5);
  n[bytes - 1] = last;
  return n;
};
const ourModulus = Buffer.from(String(publicKey.export({ format: 'jwk' }).n), 'base64url');

/** The two length bytes after the outer tag's 0x82 and the inner SEQUENCE's one shrink with the NULL. */
function withoutNull(spkiDer: Buffer): Buffer {
  const at = spkiDer.indexOf(Buffer.from([0x05, 0x00, 0x03, 0x82]));
  const short = Buffer.concat([spkiDer.subarray(0, at), spkiDer.subarray(at + 2)]);
  short.writeUInt16BE(short.readUInt16BE(2) - 2, 2);
  short.writeUInt8(short.readUInt8(5) - 2, 5);
  return short;
}

describe('accepts', () => {
  const forms: Record<string, string> = {
    'SPKI with LF': spki,
    'SPKI with CRLF': spki.replaceAll('\n', '\r\n'),
    'SPKI without line breaks': spki.replaceAll('\n', ''),
    'SPKI with blanks for line breaks': spki.replaceAll('\n', ' '),
    'SPKI on one line of base64': armour('PUBLIC KEY', der),
    'SPKI with white space around and inside': `\n\t ${spki.replaceAll('\n', '\n  \n')} \r\n`,
    'PKCS#1': pkcs1,
    'PKCS#1 with CRLF': pkcs1.replaceAll('\n', '\r\n'),
    'PKCS#1 without line breaks': pkcs1.replaceAll('\n', ''),
  };
  test.each(Object.entries(forms))('%s, as the same key', (_name, text) => {
    const read = readPublicKey(text);
    expect(read.pem).toBe(spki);
    expect(read.fingerprint).toBe(fingerprint);
    expect(read.key.equals(publicKey)).toBe(true);
  });

  test.each([3072, 4096])('%i bits', (bits) => {
    expect(readPublicKey(publicPem(bits)).key.asymmetricKeyDetails?.modulusLength).toBe(bits);
  });

  test('8192 bits', () => {
    const read = readPublicKey(fromNumbers(modulus(1024, 0x0b), Buffer.from([1, 0, 1])));
    expect(read.key.asymmetricKeyDetails?.modulusLength).toBe(8192);
  });

  test('another odd exponent above 65537', () => {
    expect(readPublicKey(publicPem(2048, 65_539)).key.asymmetricKeyDetails?.publicExponent).toBe(65_539n);
  });
});

describe('refuses', () => {
  const [, secondLine = ''] = spki.split('\n');
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=x'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const refused: Record<string, [string, RegExp]> = {
    'an empty text': ['', /not PEM/],
    words: ['my key', /not PEM/],
    'bare base64': [der.toString('base64'), /not PEM/],
    'a private key (PKCS#8)': [privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /private/],
    'a private key (PKCS#1)': [privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), /private/],
    'a private key after the public one': [
      spki + privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      /damaged/,
    ],
    'a certificate': [certificate, /another kind/],
    'an EC key': [pemOf(ec.publicKey), /of type ec/],
    'an Ed25519 key': [pemOf(generateKeyPairSync('ed25519').publicKey), /of type ed25519/],
    'an RSA-PSS key': [
      pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
      /of type rsa-pss/,
    ],
    '512 bits': [publicPem(512), /512 bits/],
    '2047 bits': [publicPem(2047), /2047 bits/],
    '8200 bits': [fromNumbers(modulus(1025, 0x0b), Buffer.from([1, 0, 1])), /8200 bits/],
    '16,384 bits': [fromNumbers(modulus(2048, 0x0b), Buffer.from([1, 0, 1])), /16384 bits/],
    'e = 1': [fromNumbers(ourModulus, Buffer.from([1])), /exponent/],
    'e = 3': [publicPem(2048, 3), /exponent/],
    'e = 65535': [fromNumbers(ourModulus, Buffer.from([0xff, 0xff])), /exponent/],
    'an even e': [fromNumbers(ourModulus, Buffer.from([1, 0, 2])), /exponent/],
    'an even modulus': [fromNumbers(modulus(256, 0x0a), Buffer.from([1, 0, 1])), /cannot be used/],
    'e of more than 64 bits, which only costs time': [
      fromNumbers(ourModulus, Buffer.alloc(9, 0xff)),
      /exponent/,
    ],
    'a damaged character': [spki.replace(secondLine, secondLine.replace(/^./, '*')), /damaged/],
    'a lost character': [spki.replace(secondLine, secondLine.slice(1)), /damaged|no key/],
    'a lost line': [spki.replace(`${secondLine}\n`, ''), /no key/],
    'no end line': [spki.replace(/-----END.*/, ''), /damaged/],
    'the end line of another kind': [spki.replace('END PUBLIC', 'END RSA PUBLIC'), /damaged/],
    'SPKI under the PKCS#1 label': [armour('RSA PUBLIC KEY', der), /no key/],
    'an empty body': [armour('PUBLIC KEY', Buffer.alloc(0)), /no key/],
    'bytes after the key': [armour('PUBLIC KEY', Buffer.concat([der, Buffer.alloc(3)])), /canonical/],
    'SPKI without the NULL parameters': [armour('PUBLIC KEY', withoutNull(der)), /canonical|no key/],
    'text before': [`hello ${spki}`, /damaged/],
    'text after': [`${spki}hello`, /damaged/],
    'two keys': [spki + spki, /damaged/],
    'over 16 KiB': [spki + ' '.repeat(16 * 1024), /longer/],
  };
  test.each(Object.entries(refused))('%s', (_name, [text, why]) => {
    expect(() => readPublicKey(text)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringMatching(/^public key /) }),
    );
    expect(() => readPublicKey(text)).toThrow(why);
  });

  test('any other text, always with BAD_INPUT', () => {
    const body = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.uint8Array().map((b) => armour('PUBLIC KEY', b)),
    );
    fc.assert(
      fc.property(body, (text) => {
        expect(() => readPublicKey(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
      }),
    );
  });

  test('a key with any one byte changed, or reads it as another key', () => {
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = Buffer.from(der);
        changed.writeUInt8(changed.readUInt8(index) ^ change, index);
        try {
          expect(readPublicKey(armour('PUBLIC KEY', changed)).fingerprint).not.toBe(fingerprint);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_INPUT' });
        }
      }),
      { examples: Array.from({ length: 40 }, (_, index): [number, number] => [index, 1]) },
    );
  });
});
