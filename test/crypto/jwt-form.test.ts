// The format of tokens (docs/protocol.md, J6, J7, J13–J15).

import { describe, expect, test } from 'vitest';
import { base64url, rs256, sampleClaims, signedOver } from './token-builder.ts';
import {
  badSignature,
  errorsOf,
  errorsOfHeader,
  good,
  goodHeader,
  goodPayload,
  goodSignature,
  verifier,
} from './verifier.ts';

test('J6, J7 rejects crit, b64, zip and enc, whatever their values', () => {
  for (const [name, value] of [
    ['crit', ['exp']],
    ['crit', []],
    ['b64', false],
    ['b64', true],
    ['zip', 'DEF'],
    ['enc', 'A256GCM'],
  ] as const) {
    expect(errorsOfHeader({ [name]: value })).toEqual([`${name} in its header is not supported`]);
  }
});

test('J7 rejects JWE, JSON serialization and several signatures', () => {
  const flattened = JSON.stringify({ protected: goodHeader, payload: goodPayload, signature: goodSignature });
  expect(errorsOf('a.b.c.d.e')).toEqual(['it has 5 parts, not 3 (header.payload.signature)']);
  expect(errorsOf(flattened)).toEqual(['it has 1 part, not 3 (header.payload.signature)']);
  expect(errorsOf(`${good}.${goodSignature}`)).toEqual(['it has 4 parts, not 3 (header.payload.signature)']);
  expect(errorsOf(rs256(good))).toEqual(['its payload is not JSON']);
});

describe('J13 form', () => {
  const canonical = (name: string) => [`its ${name} is not canonical base64url`];

  test('rejects padding, white space and the standard base64 alphabet', () => {
    expect(errorsOf(`${good}==`)).toEqual(canonical('signature'));
    expect(errorsOf(`${good}\n`)).toEqual(canonical('signature'));
    expect(errorsOf(` ${good}`)).toEqual(canonical('header'));
    expect(errorsOf(`${goodHeader}.${goodPayload} .${goodSignature}`)).toEqual(canonical('payload'));
    const plus = signedOver(goodHeader, base64url(JSON.stringify({ ...sampleClaims, sub: '~~~???' })));
    expect(plus).toMatch(/[-_]/);
    expect(errorsOf(plus)).toEqual([]);
    expect(errorsOf(plus.replaceAll('-', '+').replaceAll('_', '/'))).not.toEqual([]);
  });

  test('rejects unused bits that are set: each byte string has one encoding', () => {
    // 256 bytes leave four unused bits in the last character.
    const last = goodSignature.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet[alphabet.indexOf(last) + 1] ?? '';
    const spelled = `${good.slice(0, -1)}${twin}`;
    expect(Buffer.from((twin && spelled.split('.')[2]) || '', 'base64url')).toEqual(
      Buffer.from(goodSignature, 'base64url'),
    );
    expect(errorsOf(spelled)).toEqual(canonical('signature'));
  });

  test('rejects a truncated or extended signature', () => {
    const bytes = Buffer.from(goodSignature, 'base64url');
    for (const signature of [
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
    ]) {
      expect(errorsOf(`${goodHeader}.${goodPayload}.${base64url(signature)}`)).toEqual(badSignature);
    }
  });

  test('rejects text that is not UTF-8, has a byte order mark or is not an object', () => {
    const signed = (payload: string | Uint8Array) => errorsOf(signedOver(goodHeader, base64url(payload)));
    expect(signed(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toEqual([
      'its payload is not UTF-8',
    ]);
    expect(signed(`\ufeff${JSON.stringify(sampleClaims)}`)).toEqual(['its payload is not JSON']);
    for (const text of ['[]', 'null', '1', '"x"'])
      expect(signed(text)).toEqual(['its payload is not a JSON object']);
    expect(errorsOf(rs256(sampleClaims, '["RS256"]'))).toEqual(['its header is not a JSON object']);
    expect(errorsOf(rs256(sampleClaims, '{'))).toEqual(['its header is not JSON']);
  });

  test('rejects a header whose alg is missing or not a string, or whose typ is another', () => {
    expect(errorsOf(rs256(sampleClaims, {}))).toEqual(['alg is missing']);
    expect(errorsOf(rs256(sampleClaims, { alg: ['RS256'] }))).toEqual(['alg is missing']);
    expect(errorsOfHeader({ typ: 'at+jwt' })).toEqual(['typ is not JWT']);
    expect(errorsOfHeader({ typ: null })).toEqual(['typ is not JWT']);
    for (const typ of ['jwt', 'JWS', 'jws']) expect(errorsOfHeader({ typ })).toEqual([]);
    for (const typ of ['JWE', 'JWS+x', 'JW']) expect(errorsOfHeader({ typ })).toEqual(['typ is not JWT']);
  });
});

describe('J14 members', () => {
  test('rejects duplicate names, in any spelling and at any depth', () => {
    const exp = '"exp":1559351580';
    const twice = (name: string) => [`its payload has the member "${name}" twice`];
    expect(errorsOf(rs256(`{${exp},"vrf":"1","vrf":"2"}`))).toEqual(twice('vrf'));
    expect(errorsOf(rs256(`{${exp},"vrf":"1","\\u0076rf":"2"}`))).toEqual(twice('vrf'));
    expect(errorsOf(rs256(`{${exp},"a":[{"b":1,"b":1}]}`))).toEqual(twice('b'));
    expect(errorsOf(rs256(sampleClaims, '{"alg":"none","alg":"RS256"}'))).toEqual([
      'its header has the member "alg" twice',
    ]);
    expect(errorsOf(rs256(`{${exp},"a":{"vrf":1},"b":{"vrf":1},"c":"\\"vrf\\":1,\\"vrf\\":1"}`))).toEqual([]);
  });

  test('rejects __proto__ and constructor, and changes no prototype', () => {
    for (const name of ['__proto__', 'constructor', '\\u005f_proto__']) {
      const found = [`its payload has a member ${name.replace('\\u005f', '_')}`];
      expect(errorsOf(rs256(`{"exp":2e9,"${name}":{"nasIp":"1.1.1.1"}}`))).toEqual(found);
      expect(errorsOf(rs256(`{"exp":2e9,"a":{"${name}":{"polluted":1}}}`))).toEqual(found);
    }
    expect(errorsOf(rs256(sampleClaims, '{"__proto__":{"alg":"RS256"}}'))).toEqual([
      'its header has a member __proto__',
    ]);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  test('rejects deep nesting', () => {
    const nested = (depth: number) => `{"exp":2e9,"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(errorsOf(rs256(nested(31)))).toEqual([]);
    expect(errorsOf(rs256(nested(32)))).toEqual(['its payload is nested deeper than 32 levels']);
    expect(errorsOf(rs256(nested(2_900)))).toEqual(['its payload is nested deeper than 32 levels']);
  });
});

test('J15 rejects an empty, huge or dotted token in less than 10 ms of CPU time', () => {
  const tokens = [
    '',
    '.',
    '..',
    '...',
    'a',
    '.'.repeat(100_000),
    'A'.repeat(16_384),
    `${'A'.repeat(8_000)}..`,
  ];
  for (const token of [
    ...tokens,
    `.${'{'.repeat(8_000)}.`,
    `${base64url('"'.repeat(5_000))}.${goodPayload}.AA`,
  ]) {
    // The minimum of a few runs, because garbage collection and other threads count too.
    const microseconds = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      expect(verifier.check(token).errors).toHaveLength(1);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    });
    expect(Math.min(...microseconds)).toBeLessThan(10_000);
  }
});
