// What is read without OpenSSL's decoder is what OpenSSL reads, and writes again.

import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCanonicalSpki } from '../../src/crypto/rsa-spki.ts';

const derOf = (modulusLength: number, publicExponent = 65_537): Buffer =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
const der = derOf(2048);
const readByOpenSsl = (bytes: Buffer) => createPublicKey({ key: bytes, format: 'der', type: 'spki' });

test.each([
  ['512 bits, lengths of one byte', derOf(512)],
  ['1024 bits', derOf(1024)],
  ['2048 bits', der],
  ['2047 bits, no zero in front', derOf(2047)],
  ['4096 bits', derOf(4096)],
  ['an exponent of one byte', derOf(2048, 3)],
  ['an exponent with a zero in front', derOf(2048, 0x80000001)],
])('%s: the same key', (_name, bytes) => {
  const key = readCanonicalSpki(bytes);
  expect(key?.equals(readByOpenSsl(bytes))).toBe(true);
  expect(key?.export({ type: 'spki', format: 'der' })).toEqual(bytes);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['cut short', der.subarray(0, -1)],
  ['a byte too many', Buffer.concat([der, Buffer.from([0])])],
  ['a key of another kind', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })],
  [
    'PKCS#1',
    createPublicKey(readByOpenSsl(der).export({ type: 'pkcs1', format: 'pem' })).export({
      type: 'pkcs1',
      format: 'der',
    }),
  ],
])('%s: left to others', (_name, bytes) => {
  expect(readCanonicalSpki(bytes)).toBeUndefined();
});

test('whatever bytes are changed, left out or put in: what is read is what OpenSSL would write', () => {
  const edit = fc.record({
    at: fc.oneof(fc.nat(40), fc.nat(der.length)),
    cut: fc.nat(3),
    put: fc.uint8Array({ maxLength: 3 }),
  });
  let read = 0;
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 3 }), (edits) => {
      let bytes = der;
      for (const { at, cut, put } of edits) {
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
      }
      const key = readCanonicalSpki(bytes);
      if (!key) return;
      read++;
      expect(key.export({ type: 'spki', format: 'der' })).toEqual(bytes);
      expect(key.equals(readByOpenSsl(bytes))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(100);
});
