// J12: which key files the services accept at start, and the errors of the others. Files come from openssl
// where node:crypto cannot write them.

import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSigningKey, readTokenSecret, readVerificationKey } from '../../src/crypto/token-keys.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { privateKey, privatePem, publicKey, publicPem } from './token-builder.ts';

const file = '/etc/keys/public.pem';
const spki = (key: typeof publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();
const pkcs8 = (key: typeof publicKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const small = generateKeyPairSync('rsa', { modulusLength: 2047 });
const cubic = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });

const config = (...parts: string[]) =>
  expect.objectContaining({
    code: 'CONFIG',
    message: expect.stringMatching(
      new RegExp(parts.map((part) => part.replace(/[.()]/g, '\\$&')).join('.*')),
    ),
  });

function keyFromNumbers(n: Buffer, e: Buffer): string {
  const key = { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
  return spki(createPublicKey({ key, format: 'jwk' }));
}

describe('a public key', () => {
  const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();

  test.each([
    ['SPKI', publicPem],
    ['PKCS#1', pkcs1],
    ['SPKI with CRLF and a comment above', `the doors key\r\n${publicPem.replaceAll('\n', '\r\n')}`],
  ])('in %s is read', (_form, text) => {
    expect(readVerificationKey(text, file).equals(publicKey)).toBe(true);
  });

  test('in a certificate is read, and in the first one of a chain', async (context) => {
    needs(context, { command: 'openssl' });
    const folder = temporaryFolder();
    const paths = { key: join(folder, 'key.pem'), crt: join(folder, 'crt.pem') };
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=doors', '-days', '1'];
    execFileSync('openssl', [...args, '-keyout', paths.key, '-out', paths.crt], { stdio: 'ignore' });
    const certificate = readFileSync(paths.crt, 'utf8');
    const expected = createPublicKey(readFileSync(paths.key, 'utf8'));
    expect(readVerificationKey(certificate, file).equals(expected)).toBe(true);
    expect(readVerificationKey(certificate + certificate, file).equals(expected)).toBe(true);
  });

  test.each([
    ['a private key', privatePem, 'holds a private key'],
    ['a public key with its private one', publicPem + privatePem, 'holds a private key'],
    ['two public keys', publicPem + publicPem, 'holds more than one key'],
    ['an elliptic key', spki(elliptic.publicKey), 'is of type ec; RSA is needed'],
    ['an RSA-PSS key', spki(pss.publicKey), 'is of type rsa-pss; RSA is needed'],
    ['a key of 2047 bits', spki(small.publicKey), 'has 2047 bits; 2048 to 16384 are accepted'],
    ['a key of exponent 3', spki(cubic.publicKey), 'has a weak exponent'],
    ['a key cut off', publicPem.slice(0, 200), 'is damaged'],
    ['a key of one changed character', publicPem.replace('MII', 'MIJ'), 'is damaged'],
    ['nothing', '', 'is not a public key or certificate in PEM'],
    ['text', 'hello', 'is not a public key or certificate in PEM'],
    [
      'a request for a certificate',
      '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
      'is not a public key or certificate in PEM',
    ],
    [
      'an even modulus',
      keyFromNumbers(Buffer.alloc(256, 0xc4), Buffer.from([1, 0, 1])),
      'it is no RSA key that works',
    ],
  ])('that is %s is refused: which file, why, and what to do', (_name, text, why) => {
    expect(() => readVerificationKey(text, file)).toThrow(config(`the public key ${file} `, '', why, ''));
  });

  test('that is rejected causes an error with a remedy', () => {
    expect(() => readVerificationKey('', file)).toThrow('or make a pair with `swob jwt keygen`');
  });
});

describe('a private key', () => {
  test('in PKCS#8 or PKCS#1 is read', () => {
    const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    for (const text of [privatePem, pkcs1]) {
      expect(createPublicKey(readSigningKey(text, file)).equals(publicKey)).toBe(true);
    }
  });

  const encrypted = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  test.each([
    ['a public key', publicPem, 'is not a private key in PEM'],
    ['a secret', '0'.repeat(64), 'is not a private key in PEM'],
    ['encrypted', encrypted, 'needs a passphrase'],
    ['cut off', privatePem.slice(0, 300), 'is damaged'],
    ['of 2047 bits', pkcs8(small.privateKey), 'has 2047 bits'],
    ['elliptic', pkcs8(elliptic.privateKey), 'is of type ec'],
  ])('that is %s is rejected without being quoted', (_name, text, why) => {
    expect(() => readSigningKey(text, file)).toThrow(config(`the private key ${file} ${why}`));
  });
});

describe('a secret', () => {
  test('is the text of its file without the line end', () => {
    const text = 'é'.repeat(16);
    for (const written of [text, `${text}\n`, `${text}\r\n`]) {
      expect(readTokenSecret(written, file).export()).toEqual(Buffer.from(text));
    }
  });

  test.each([
    ['a public key', publicPem, 'is a key or certificate in PEM'],
    ['a private key', privatePem, 'is a key or certificate in PEM'],
    ['31 bytes and a line end', `${'x'.repeat(31)}\n`, 'has 31 bytes; at least 32 are needed'],
    ['bytes that are no text', Buffer.alloc(64, 0xff).toString('utf8'), 'is not text'],
  ])('that is %s is refused', (_name, text, why) => {
    expect(() => readTokenSecret(text, file)).toThrow(config(`the secret ${file} ${why}`, 'openssl rand'));
  });
});
