// Twilio's own published examples, and what a forger may change.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyTwilioSignature } from '../../src/crypto/twilio-signature.ts';
import { anyText } from '../support/any-text.ts';

// From Twilio's documentation and the tests of its libraries.
const token = '12345';
const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
const signature = 'RSOYDt4T1cUTdK1PDd93/VVr8B8=';
const call = (number: string): [string, string][] => [
  ['CallSid', 'CA1234567890ABCDE'],
  ['Caller', number],
  ['Digits', '1234'],
  ['From', number],
  ['To', '+18005551212'],
];
const params = call('+14158675309');
const verify = (changed: {
  token?: string;
  url?: string;
  params?: [string, string][];
  signature?: string;
}) => {
  const all = { token, url, params, signature, ...changed };
  return verifyTwilioSignature(all.token, all.url, all.params, all.signature);
};

describe('accepted is', () => {
  test.each([
    ['+14158675309', signature],
    ['+12349013030', '0/KCTR6DLpKmkAf8muzZqo1nDgQ='],
    ['+14158675310', 'GvWf1cFY/Q7PnoempGyD5oXAezc='],
  ])("Twilio's example of %s", (number, itsSignature) => {
    expect(verify({ params: call(number), signature: itsSignature })).toBe(true);
  });

  test("Twilio's example of a repeated name: sorted, and each value once", () => {
    const repeated: [string, string][] = [
      ['Sid', 'CA123'],
      ['Digits', '5678'],
      ['SidAccount', 'AC123'],
      ['Digits', '1234'],
      ['Digits', '1234'],
    ];
    expect(verify({ params: repeated, signature: 'IK+Dwps556ElfBT0I3Rgjkr1wJU=' })).toBe(true);
  });

  test('the form in any order', () => {
    const order = fc.shuffledSubarray(params, { minLength: params.length });
    fc.assert(fc.property(order, (shuffled) => verify({ params: shuffled })));
  });

  // printf %s 'http://a.example/sms?x' BodyπFrom+1 | openssl dgst -sha1 -hmac 12345 -binary | base64, and with :80
  test.each(['BKW/hMkcj7z93mjuT3nb3DZ1NNE=', 'e3GB9nmJzetW9Wtpa6wzah1y0cs='])(
    'a signature over the URL with its port or without: %s',
    (itsSignature) => {
      const form: [string, string][] = [
        ['From', '+1'],
        ['Body', 'π'],
      ];
      for (const each of ['http://a.example/sms?x', 'http://a.example:80/sms?x']) {
        expect(verify({ url: each, params: form, signature: itsSignature })).toBe(true);
      }
    },
  );

  test('the URL with another port, which was signed without', () => {
    expect(verify({ url: 'https://mycompany.com:8443/myapp.php?foo=1&bar=2' })).toBe(true);
  });
});

describe('refused is', () => {
  test.each([
    ['another token', { token: '12346' }],
    [
      'an empty token, which anyone has',
      { token: '', params: [], url: '', signature: '+9sdGxiqbAgyS31ktx+3Y3BpDh0=' },
    ],
    ['another host', { url: 'https://mycompany.net/myapp.php?foo=1&bar=2' }],
    ['another scheme', { url: 'http://mycompany.com/myapp.php?foo=1&bar=2' }],
    ['another query', { url: 'https://mycompany.com/myapp.php?foo=1&bar=3' }],
    ['a port in the path', { url: 'https://mycompany.com/:443/myapp.php?foo=1&bar=2' }],
    ['one parameter more', { params: [...params, ['X', '']] }],
    ['one parameter fewer', { params: params.slice(1) }],
    ['another value', { params: call('+14158675308') }],
    ['no signature', { signature: '' }],
    ['a signature cut short', { signature: signature.slice(0, -1) }],
    ['a signature with more after it', { signature: `${signature} ` }],
    ['a signature of other characters of the same length', { signature: 'é'.repeat(14) }],
    ['a signature in lower case', { signature: signature.toLowerCase() }],
  ] satisfies [string, Parameters<typeof verify>[0]][])('%s', (_case, changed) => {
    expect(verify(changed)).toBe(false);
  });

  test('anything else, without ever throwing', () => {
    const text = anyText();
    fc.assert(
      fc.property(text, text, fc.array(fc.tuple(text, text)), (given, where, form) => {
        expect(verify({ signature: given, url: where, params: form })).toBe(false);
      }),
    );
  });
});
