// J12: which key files the services accept at start, and the errors of the others. Files come from openssl
// where node:crypto cannot write them.

import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyFileText } from '../../src/crypto/key-text.ts';
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

const requestPem = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----';

/** The line of an authorized_keys file. */
function sshLine({ e = '', n = '' }: { readonly e?: string; readonly n?: string }): string {
  const modulus = Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')]);
  const fields = [Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), modulus].map((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return Buffer.concat([length, field]);
  });
  return `ssh-rsa ${Buffer.concat(fields).toString('base64')}`;
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

  const jwk = publicKey.export({ format: 'jwk' });
  const json = (value: unknown) => JSON.stringify(value);
  const escaped = publicPem.replaceAll('\n', '\\n');

  test.each([
    ['literal \\n', escaped],
    ['literal \\r\\n in quotes', json(publicPem.replaceAll('\n', '\r\n'))],
    ['indentation', publicPem.replace(/^/gm, '    ')],
    ['one line', publicPem.replaceAll('\n', ' ')],
    ['no line breaks', publicPem.replaceAll('\n', '')],
    ['a JWK', json(jwk)],
    ['a JWK with use, alg and kid', json({ use: 'sig', alg: 'RS256', kid: 'doors', ...jwk })],
    ['a JWK set of one key', json({ keys: [jwk] })],
    ['an ssh-rsa line', sshLine(jwk)],
    ['an ssh-rsa line with a comment', `${sshLine(jwk)} doors@portal example\n`],
  ])('in %s is read', (_form, text) => {
    expect(readVerificationKey(text, file).equals(publicKey)).toBe(true);
  });

  test.each(['spki', 'pkcs1'] as const)('in DER (%s) is read', (type) => {
    const der = publicKey.export({ type, format: 'der' });
    expect(readVerificationKey(keyFileText(der), file).equals(publicKey)).toBe(true);
    expect(() => readVerificationKey(keyFileText(der.subarray(1)), file)).toThrow('in PEM');
  });

  test('that ssh-keygen writes is read, and so is a certificate in DER', (context) => {
    needs(context, { command: 'ssh-keygen' });
    const folder = temporaryFolder();
    const path = join(folder, 'key');
    writeFileSync(path, privatePem, { mode: 0o600 });
    const line = execFileSync('ssh-keygen', ['-y', '-f', path], { encoding: 'utf8' });
    expect(readVerificationKey(line, file).equals(publicKey)).toBe(true);
    execFileSync('openssl', [
      'req',
      '-x509',
      '-key',
      path,
      '-subj',
      '/CN=doors',
      '-outform',
      'DER',
      '-out',
      `${path}.der`,
    ]);
    expect(readVerificationKey(keyFileText(readFileSync(`${path}.der`)), file).equals(publicKey)).toBe(true);
  });

  test('is read or refused with CONFIG in whatever spelling, and never misread', () => {
    const noise = fc.constantFrom('\\n', '\\r\\n', '\n', ' ', '\t', '"', "'", '');
    const lines = publicPem.trimEnd().split('\n');
    fc.assert(
      fc.property(fc.array(noise, { minLength: lines.length, maxLength: lines.length }), (ends) => {
        const text = lines.map((line, index) => line + ends[index]).join('');
        expect(readVerificationKey(text, file).equals(publicKey)).toBe(true);
      }),
    );
    const forms = fc.constantFrom(publicPem, escaped, json(jwk), json({ keys: [jwk] }), sshLine(jwk));
    fc.assert(
      fc.property(forms, fc.nat(), fc.string({ maxLength: 3 }), (form, at, inserted) => {
        const place = at % form.length;
        const text = form.slice(0, place) + inserted + form.slice(place + inserted.length);
        try {
          expect(readVerificationKey(text, file).asymmetricKeyDetails?.modulusLength).toBeGreaterThanOrEqual(
            2040,
          );
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG' });
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => readVerificationKey(keyFileText(bytes), file)).toThrow(config(''));
      }),
    );
  });

  test.each([
    ['a private JWK', json(privateKey.export({ format: 'jwk' })), 'holds a private key'],
    ['a JWK set of two', json({ keys: [jwk, jwk] }), 'is a JWK set of 2 keys'],
    ['a shared secret as JWK', json({ kty: 'oct', k: 'AAAA' }), 'is a shared secret'],
    ['an elliptic JWK', json(elliptic.publicKey.export({ format: 'jwk' })), 'is a JWK of type "EC"'],
    ['a JWK for encryption', json({ ...jwk, use: 'enc' }), 'for another use'],
    ['a JWK without modulus', json({ kty: 'RSA', e: 'AQAB' }), 'is a damaged JWK'],
    ['a JWK of 2047 bits', json(small.publicKey.export({ format: 'jwk' })), 'has 2047 bits'],
    ['an ed25519 line', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA a', 'is of type ssh-ed25519'],
    ['half an ssh-rsa line', sshLine(jwk).slice(0, 200), 'is a damaged ssh-rsa key'],
    ['two ssh-rsa lines', `${sshLine(jwk)}\n${sshLine(jwk)}`, 'holds more than one line'],
    ['an SSH2 key', '---- BEGIN SSH2 PUBLIC KEY ----', `ssh-keygen -i -f ${file} -e -m PKCS8`],
    ['a request', requestPem, `openssl req -in ${file} -pubkey -noout`],
  ])('that is %s is refused', (_name, text, why) => {
    expect(() => readVerificationKey(text, file)).toThrow(config(`the public key ${file} `, '', why, ''));
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
    ['bytes that are not text', Buffer.alloc(64, 0xff).toString('utf8'), 'is not text'],
  ])('that is %s is refused', (_name, text, why) => {
    expect(() => readTokenSecret(text, file)).toThrow(config(`the secret ${file} ${why}`, 'openssl rand'));
  });
});
