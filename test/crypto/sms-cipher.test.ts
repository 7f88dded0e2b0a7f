// The format of inbound SMS: compared with the real openssl in both directions, and with damaged texts.

import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalSms, decryptSms, encryptSms } from '../../src/crypto/sms-cipher.ts';
import { anyText } from '../support/any-text.ts';
import { needs } from '../support/needs.ts';

const key = '0123456789abcdef0123456789abcdef';
const iv = 'sixteen letters!';
const messages = [
  'g:to@example.org:cc@example.org:bcc@example.org:Subject:Body of the message',
  't:Ναι, всё хорошо. 很好。 بخير ठीक है',
  'f:👩🏽‍🚀 and 🇨🇲 \u{10ffff}',
  'a full block: 16',
  'one byte of padding after this.',
];

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const textOf = (ciphertext: Uint8Array, by = iv): string => base64(by + base64(ciphertext));
const innerOf = (text: string): string => Buffer.from(text, 'base64').toString('latin1');
/** As Android's Base64.DEFAULT does it. */
const broken = (text: string): string => text.replace(/.{1,76}/g, '$&\n');

function openssl(direction: '-e' | '-d', by: string, input: Uint8Array | string): Buffer {
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  const args = ['enc', direction, '-aes-256-cbc', '-K', hex(key), '-iv', hex(by)];
  return execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] });
}

/** The text of bytes that are padded already, or should be. */
function encryptPadded(padded: Uint8Array): string {
  const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false);
  return textOf(Buffer.concat([cipher.update(padded), cipher.final()]));
}

describe('an SMS', () => {
  test.for(messages)('that openssl encrypted is read: %s', (message, context) => {
    needs(context, { command: 'openssl' });
    expect(decryptSms(key, textOf(openssl('-e', iv, message)))).toBe(message);
  });

  test.for(messages)('that was encrypted here is read by openssl: %s', (message, context) => {
    needs(context, { command: 'openssl' });
    const inner = innerOf(encryptSms(key, message));
    expect(inner).toMatch(/^[0-9a-f]{16}[A-Za-z0-9+/]+=*$/);
    const ciphertext = Buffer.from(inner.slice(16), 'base64');
    expect(openssl('-d', inner.slice(0, 16), ciphertext).toString()).toBe(message);
  });

  test('of any text survives a round trip byte for byte, with the line breaks of Android too', () => {
    const sharedKey = fc.stringMatching(/^[0-9a-f]{32}$/);
    const message = anyText({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(sharedKey, message, (itsKey, itsMessage) => {
        const text = encryptSms(itsKey, itsMessage);
        const inner = innerOf(text);
        const android = broken(base64(inner.slice(0, 16) + broken(inner.slice(16))));
        for (const each of [text, android]) {
          expect(decryptSms(itsKey, each)).toBe(itsMessage);
          expect(canonicalSms(each)).toBeDefined();
        }
      }),
    );
  });

  test.each([
    ['a byte order mark', '\ufeffhello'],
    ['NUL and line breaks', '\0a\r\nb\n\0'],
    ['its last character a byte that looks like padding', 'fifteen letter\u0001'],
  ])('keeps %s', (_case, message) => {
    expect(decryptSms(key, encryptSms(key, message))).toBe(message);
  });

  test('never has the same IV twice', () => {
    const ivs = Array.from({ length: 100 }, () => innerOf(encryptSms(key, 'same')).slice(0, 16));
    expect(new Set(ivs)).toHaveLength(100);
  });

  test('may have any IV of printable ASCII', () => {
    for (const by of ['                ', '~~~~~~~~~~~~~~~~', '{"a":"b", "c":1}']) {
      const cipher = createCipheriv('aes-256-cbc', key, by);
      const text = textOf(Buffer.concat([cipher.update('hello'), cipher.final()]), by);
      expect(decryptSms(key, text)).toBe('hello');
    }
  });

  test('is as long as 40,000 characters, and no longer', () => {
    // 16 characters of IV and 4 for each 3 bytes, then 4 for each 3 again.
    const text = encryptSms(key, 'x'.repeat(22_400));
    expect(text.length).toBeLessThanOrEqual(40_000);
    const full = text.padEnd(40_000, '\n');
    expect(decryptSms(key, full)).toHaveLength(22_400);
    expect(canonicalSms(`${full}\n`)).toBeUndefined();
    expect(decryptSms(key, `${full}\n`)).toBeUndefined();
  });
});

describe('one flipped bit', () => {
  const bitsOf = (bytes: number): number[] => Array.from({ length: bytes * 8 }, (_, bit) => bit);
  const flip = (bytes: Uint8Array, bit: number): Buffer => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return changed;
  };
  const encrypt = (message: string): Buffer => {
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    return Buffer.concat([cipher.update(message), cipher.final()]);
  };

  // It turns 16 bytes into noise, which is sometimes valid UTF-8 or padding, but not for these fixed texts.
  test.each([
    ['one block', 'g:bob:::Hi'],
    ['three blocks', 'g:bob@example.org:::Hello:I am well.'],
    ['three blocks, the last one padding alone', 'g:bob@example.org:::Hello:I am w'],
  ])('of a ciphertext of %s gives undefined', (_case, message) => {
    const ciphertext = encrypt(message);
    expect(decryptSms(key, textOf(ciphertext))).toBe(message);
    for (const bit of bitsOf(ciphertext.length)) {
      const text = textOf(flip(ciphertext, bit));
      expect(canonicalSms(text)).toBeDefined();
      expect(decryptSms(key, text)).toBeUndefined();
    }
  });

  test('of the base64 around it gives undefined', () => {
    const text = Buffer.from(textOf(encrypt('g:bob@example.org:::Hello:I am well.')));
    expect(decryptSms(key, text.toString())).toBe('g:bob@example.org:::Hello:I am well.');
    const start = Math.ceil((16 / 3) * 4);
    for (const bit of bitsOf(text.length).filter((each) => each >> 3 >= start)) {
      expect(decryptSms(key, flip(text, bit).toString('latin1'))).toBeUndefined();
    }
  });

  test('of the IV flips that bit of the message, which the format cannot detect', () => {
    const ciphertext = encrypt('g:bob@example.org:::Hello:I am well.');
    const by = flip(Buffer.from(iv), 2 * 8 + 1).toString('latin1');
    expect(decryptSms(key, textOf(ciphertext, by))).toBe('g:`ob@example.org:::Hello:I am well.');
  });
});

describe('decryption returns undefined for', () => {
  const good = encryptSms(key, 'hello');
  const inner = innerOf(good);
  const noForm: Record<string, string> = {
    'no text': '',
    'white space': ' \n ',
    'what is not base64': 'hello, world!',
    'base64 of a word': base64('hello'),
    'fewer than 16 characters': base64('0123456789abcde'),
    'an IV alone': base64('0123456789abcdef'),
    'an IV and white space': base64('0123456789abcdef\n\n'),
    'a ciphertext without IV': base64(inner.slice(16)),
    'half a block': textOf(Buffer.alloc(8)),
    'one byte over a block': textOf(Buffer.alloc(17)),
    'an IV with an umlaut': base64(`0123456789abcdeä${inner.slice(16)}`),
    'an IV of bytes': base64(Buffer.concat([Buffer.alloc(16, 0xff), Buffer.from(inner.slice(16))])),
    'an IV with a NUL': base64(`0123456789abcde\0${inner.slice(16)}`),
    'an IV with a line break': base64(`0123456789abcde\n${inner.slice(16)}`),
    'an IV with a DEL': base64(`0123456789abcde\x7f${inner.slice(16)}`),
    'a mixture of both alphabets': base64(`~~~~~~~~~~~~~~~~${inner.slice(16)}`).replace('+', '-'),
    'inner base64url': base64(
      `${iv}${base64(Buffer.alloc(16, 0xfb)).replaceAll('+', '-').replaceAll('/', '_')}`,
    ),
    'inner base64 without its padding': base64(inner.replace(/=+$/, '')),
    'inner base64 with too much of it': base64(`${inner}=`),
    'inner base64 that is not canonical': base64(inner.replace(/.==$/, 'B==')),
    'base64 with more after it': `${good}====`,
    'base64 with a NUL': `${good}\0`,
    'base64 with a no-break space': `${good}\u00a0`,
    'base64 with fullwidth letters': good.replace(/[A-Z]/, (letter) =>
      String.fromCodePoint(0xfee0 + letter.charCodeAt(0)),
    ),
    'a data URL': `data:text/plain;base64,${good}`,
    JSON: JSON.stringify({ text: good }),
    '20 MB': 'A'.repeat(20 * 1024 * 1024),
  };
  test.each(Object.entries(noForm))('%s', (_case, text) => {
    expect(canonicalSms(text)).toBeUndefined();
    expect(decryptSms(key, text)).toBeUndefined();
  });

  const pad = (message: string | Uint8Array, ...padding: number[]): Buffer =>
    Buffer.concat([Buffer.from(message), Buffer.from(padding)]);
  const noMessage: Record<string, string> = {
    "another key's text": encryptSms('f'.repeat(32), 'hello'),
    'nothing encrypted': encryptSms(key, ''),
    'padding of 0': encryptPadded(pad('fifteen letters', 0)),
    'padding of 17': encryptPadded(pad('x'.repeat(15), ...Array.from({ length: 17 }, () => 17))),
    'padding of 255': encryptPadded(pad('fifteen letters', 255)),
    'padding whose bytes differ': encryptPadded(pad('twelve bytes', 4, 4, 3, 4)),
    'padding whose first byte is another': encryptPadded(pad('twelve bytes', 3, 4, 4, 4)),
    'padding of 16 in an only block': encryptPadded(Buffer.alloc(16, 16)),
    'Latin-1': encryptPadded(pad(Buffer.from('na\xefve', 'latin1'), ...Buffer.alloc(11, 11))),
    'UTF-8 cut short': encryptPadded(pad(Buffer.from('fourteen bytes\xc3', 'latin1'), 1)),
    'an overlong NUL': encryptPadded(pad(Buffer.from('thirteen by..\xc0\x80', 'latin1'), 1)),
    'a surrogate': encryptPadded(pad(Buffer.from('twelve bytes\xed\xa0\x80', 'latin1'), 1)),
  };
  test.each(Object.entries(noMessage))('%s', (_case, text) => {
    expect(canonicalSms(text)).toBeDefined();
    expect(decryptSms(key, text)).toBeUndefined();
  });

  test('anything, without ever throwing', () => {
    const text = fc.oneof(anyText(), fc.base64String(), fc.base64String().map(base64));
    fc.assert(fc.property(text, (each) => decryptSms(key, each) === undefined));
  });
});

test.each(['', 'f'.repeat(31), 'f'.repeat(33), `${'f'.repeat(31)}é`])(
  'a key of other than 32 bytes is BAD_INPUT, and not quoted: %j',
  (wrong) => {
    const refusal = expect.objectContaining({ code: 'BAD_INPUT', message: 'a shared key has 32 characters' });
    expect(() => encryptSms(wrong, 'hello')).toThrow(refusal);
    expect(() => decryptSms(wrong, encryptSms(key, 'hello'))).toThrow(refusal);
  },
);
