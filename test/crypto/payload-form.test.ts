// The forms of SMS texts: payloads in every way in which phones and form decoders change base64, and ordinary SMS.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describePayload } from '../../src/crypto/payload-form.ts';
import { decryptSms, encryptSms } from '../../src/crypto/sms-cipher.ts';
import { anyText } from '../support/any-text.ts';
import { ordinarySms } from '../support/ordinary-sms.ts';
import {
  bridgePayload,
  imageSegments,
  payloadV0,
  versionedPayload,
  wrapped,
} from '../support/relay-payloads.ts';
import { encryptAsApp } from '../support/sms.ts';

const key = '0123456789abcdef0123456789abcdef';

const toUrlSafe = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_');
const blanked = (text: string) => text.replaceAll('+', ' ');
const unpadded = (text: string) => text.replace(/=+(\s*)$/, '$1');
/** Every way in which a text may arrive that keeps its length, apart from padding and line breaks. */
const damages: Record<string, (text: string) => string> = {
  none: (text) => text,
  unpadded,
  'URL-safe': toUrlSafe,
  'URL-safe and unpadded': (text) => unpadded(toUrlSafe(text)),
  blanks: blanked,
  'blanks and unpadded': (text) => unpadded(blanked(text)),
  wrapped,
  'wrapped, with blanks': (text) => wrapped(blanked(text)),
  'wrapped by blanks, with blanks': (text) => blanked(wrapped(text)).replaceAll('\n', ' '),
  'wrapped by CR LF': (text) => wrapped(text).replaceAll('\n', '\r\n'),
  'line break at the end': (text) => `${text}\r\n`,
};
const damage = fc.constantFrom(...Object.entries(damages));

describe('an encrypted SMS', () => {
  // Only `>` and `~` of an IV make `+`, and `?` makes `/`.
  const iv = fc.stringMatching(/^[>~?a-z]{16}$/);

  test('is recognised, and decrypts, in every form', () => {
    fc.assert(
      fc.property(iv, anyText({ minLength: 1, maxLength: 200 }), damage, (itsIv, message, [, change]) => {
        const text = encryptAsApp(key, message, itsIv);
        const form = describePayload(change(text));
        expect(form).toMatchObject({ kind: 'v2', canonical: Buffer.from(text, 'base64').toString('latin1') });
        expect(decryptSms(key, form.kind === 'v2' ? form.text : '')).toBe(message);
        expect(decryptSms(key, change(text))).toBe(message);
      }),
      { numRuns: 300 },
    );
  });

  test('that lost characters is none', () => {
    const text = encryptSms(key, 'g:to@example.org:::subject:body');
    for (let length = 1; length < text.length - 2; length++) {
      expect(describePayload(text.slice(0, length)).kind).not.toBe('v2');
    }
  });
});

describe('a RelaySMS payload', () => {
  const bytes = (minLength: number, maxLength = 300) =>
    fc.uint8Array({ minLength, maxLength }).map(Buffer.from);
  const deviceId = fc.constantFrom(0, 32).chain((length) => bytes(length, length));
  const parts = fc.record({ ciphertext: bytes(48), deviceId });
  const payload = fc.oneof(
    ...([1, 2, 3, 4] as const).map((version) =>
      parts.map((each) => [`v${version}`, versionedPayload(version, each)] as const),
    ),
    parts.map((each) => ['v0', payloadV0(each)] as const),
    parts.map((each) => ['bridge', bridgePayload(each)] as const),
    parts.map((each) => ['bridge', bridgePayload(each, Buffer.alloc(32, 7))] as const),
  );

  test('is recognised by its length fields in every form, and keeps its characters except for blanks', () => {
    fc.assert(
      fc.property(payload, damage, ([format, content], [, change]) => {
        const received = change(content.toString('base64'));
        const form = describePayload(received);
        expect(form).toMatchObject({ kind: 'relay', format, canonical: content.toString('base64') });
        if (form.kind !== 'relay') return;
        expect(form.bytes.equals(content)).toBe(true);
        if (!received.includes(' ')) expect(form.text).toBe(received);
      }),
      { numRuns: 500 },
    );
  });

  test('of another format is one when it is base64, and with blanks when it cannot be prose', () => {
    const other = Buffer.from(`${'9c'.repeat(30)}fbefbe0000000000000000`, 'hex').toString('base64');
    expect(other).toMatch(/\+.*=$/);
    for (const [name, change] of Object.entries(damages)) {
      if (name === 'blanks and unpadded') continue;
      expect([name, describePayload(change(other))]).toMatchObject([
        name,
        { kind: 'relay', canonical: other },
      ]);
    }
    expect(describePayload('Zm9vYmFy MTIz NDU2 Nzg5MDEy1')).toMatchObject({ kind: 'none' });
    expect(describePayload('Zm9vYmFyMTIzNDU2Nzg5 MDEyAAAA'.slice(0, 28))).toMatchObject({
      kind: 'relay',
      text: 'Zm9vYmFyMTIzNDU2Nzg5+MDEyAAA',
    });
  });

  test('may be a segment of an image, whose text ends anywhere', () => {
    const content = Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 151) % 256)).toString(
      'base64',
    );
    for (const size of [137, 138, 139, 140]) {
      const segments = imageSegments(content, 42, size);
      expect(segments.length).toBeGreaterThan(4);
      for (const text of segments) expect(describePayload(text)).toMatchObject({ kind: 'relay', text });
      expect(describePayload(segments[0] ?? '')).toMatchObject({ format: 'segment' });
      expect(describePayload(blanked(segments[0] ?? ''))).toMatchObject({
        format: 'segment',
        text: segments[0],
      });
    }
  });
});

describe('an ordinary SMS', () => {
  test('of a thousand is none', () => {
    const texts = ordinarySms();
    expect(new Set(texts).size).toBeGreaterThan(500);
    expect(texts.filter((text) => describePayload(text).kind !== 'none')).toEqual([]);
  });

  test.for([
    'not base64!',
    '',
    ' ',
    '\n\n',
    'A',
    'abcde',
    'YWJj=YWJj',
    'YWJjZA===',
    'YWJ+ZA-_',
    '237650393369',
    '+33612345678',
    '25/12/2026-08/',
    '1 + 1 ==',
    'é'.repeat(12),
    'A'.repeat(40_004),
  ])('%#', (text) => {
    expect(describePayload(text)).toMatchObject({ kind: 'none' });
  });

  test('has a form whatever its characters', () => {
    const unit = fc.constantFrom('+', '/', '-', '_', '=', ' ', '\n', '\r', 'A', 'b', '7', 'BA', 'é');
    const text = fc.array(unit, { maxLength: 300 }).map((units) => units.join(''));
    fc.assert(fc.property(text, (each) => ['v2', 'relay', 'none'].includes(describePayload(each).kind)));
  });
});

test('a text of any form is described in time that grows with its length', () => {
  const long = (piece: string) => piece.repeat(39_000 / piece.length);
  const texts = [
    `BAAA${long('\n')}-`,
    `BAAA${long('\n')} -`,
    `BAAAAAAAAAA=${long('\r\n')}=-`,
    `a=${long(' ')}a`,
    `a${long('= ')}a`,
    `a${long(' ')}=`,
    `a${long('\n')}A1`,
    long('a '),
    long('Ab1\n'),
  ];
  const before = process.cpuUsage();
  for (let n = 0; n < 10; n++) for (const text of texts) expect(describePayload(text)).toBeDefined();
  const { user, system } = process.cpuUsage(before);
  // Microseconds; one of them alone takes over a second when each repetition is tried from each place.
  expect(user + system).toBeLessThan(8_000_000);
});
