// P2–P5: valid and invalid claims of a Wi-Fi session.

import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wifiSessionOf } from '../../../src/domain/wifi/session-claims.ts';
import { anyText } from '../../support/any-text.ts';

const claims = {
  sub: 'user',
  nasIp: '100.112.0.1',
  sessionId: '5692549928996307964',
  vrf: '1',
  clientMac: 'FC-45-96-5F-50-AC',
};
const refusal = (faults: string) =>
  expect.objectContaining({ code: 'UNAUTHENTICATED', message: `token refused: ${faults}` });
const outcome = (changes: object) => () => wifiSessionOf({ ...claims, ...changes });

test('the documented claims make a session, digit for digit', () => {
  expect(wifiSessionOf(claims)).toEqual({
    userName: 'user',
    sessionId: '5692549928996307964',
    nasIp: '100.112.0.1',
    vrf: '1',
    clientMac: 'FC-45-96-5F-50-AC',
  });
});

test('sub and clientIp are taken when they are usable, and never refused', () => {
  expect(wifiSessionOf({ ...claims, clientIp: '192.0.2.7' })).toMatchObject({
    userName: 'user',
    clientIp: '192.0.2.7',
  });
  for (const unusable of [undefined, 7, '', 'a\r\nb', 'x'.repeat(256), {}]) {
    const session = wifiSessionOf({ ...claims, sub: unusable, clientIp: unusable });
    expect(Object.keys(session).sort()).toEqual(['clientMac', 'nasIp', 'sessionId', 'vrf']);
  }
});

test('one error names every invalid claim', () => {
  expect(() => wifiSessionOf({})).toThrow(
    refusal('sessionId is missing, nasIp is missing, vrf is missing, clientMac is missing'),
  );
  expect(outcome({ nasIp: '', clientMac: 'x', vrf: null })).toThrow(
    refusal('nasIp is empty, vrf is missing, clientMac is not a MAC address'),
  );
});

describe('sessionId', () => {
  test.each([
    [0, '0'],
    [569, '569'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['0', '0'],
    ['007', '007'],
    ['9'.repeat(64), '9'.repeat(64)],
    ['a&session=b#c d', 'a&session=b#c d'],
  ])('%j becomes %j', (sessionId, text) => {
    expect(outcome({ sessionId })()).toMatchObject({ sessionId: text });
  });

  const lossy =
    'sessionId is a number that is not written in digits alone; sign it without sign, fraction and exponent, or as text';
  test.each([
    [JSON.parse('5692549928996307964'), lossy],
    [2 ** 53, lossy],
    [-1, lossy],
    [1.5, lossy],
    [Number.POSITIVE_INFINITY, lossy],
    ['', 'sessionId is empty'],
    ['   ', 'sessionId is empty'],
    ['9'.repeat(65), 'sessionId is longer than 64 characters'],
    ['1\r\n2', 'sessionId has control characters'],
    ['1\0', 'sessionId has control characters'],
    ['1\x7f', 'sessionId has control characters'],
    ['é', 'sessionId has characters that are not ASCII'],
    [true, 'sessionId is not text'],
    [['1'], 'sessionId is not text'],
    [{}, 'sessionId is not text'],
    [null, 'sessionId is missing'],
  ])('%j is refused', (sessionId, fault) => {
    expect(outcome({ sessionId })).toThrow(refusal(fault));
  });
});

describe('nasIp and vrf', () => {
  test('vrf is any text up to 255 characters', () => {
    for (const vrf of ['x', 'Пример', 'a&b=c#d', 'x'.repeat(255)]) {
      expect(outcome({ vrf })()).toMatchObject({ vrf });
    }
  });

  test('every IP address is a nasIp', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (nasIp) => {
        expect(outcome({ nasIp })()).toMatchObject({ nasIp });
      }),
    );
  });

  test('accepts exactly the addresses that Node accepts, without zones', () => {
    const piece = fc.constantFrom('1', '0', '25', '255', '256', '01', '.', ':', '::', 'f', '%', 'x', ' ');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: piece, maxLength: 12 }), fc.string()), (nasIp) => {
        const isAddress = isIP(nasIp) !== 0 && !nasIp.includes('%');
        if (isAddress) expect(outcome({ nasIp })()).toMatchObject({ nasIp });
        else expect(outcome({ nasIp })).toThrow('token refused: nasIp ');
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['', 'is empty'],
    [' \t', 'is empty'],
    ['x'.repeat(256), 'is longer than 255 characters'],
    ['a\rb', 'has control characters'],
    ['a\nb', 'has control characters'],
    ['a\0', 'has control characters'],
    ['\ud800', 'has control characters'],
    [false, 'is not text'],
    [{}, 'is not text'],
    [undefined, 'is missing'],
  ])('%j is refused', (value, fault) => {
    expect(outcome({ nasIp: value })).toThrow(refusal(`nasIp ${fault}`));
    const setting = value === '' ? ', which [disconnect] empty_vrf does not allow' : '';
    expect(outcome({ vrf: value })).toThrow(refusal(`vrf ${fault}${setting}`));
  });

  test('a vrf may be an integer, a nasIp may not', () => {
    expect(outcome({ vrf: 1 })()).toMatchObject({ vrf: '1' });
    expect(outcome({ vrf: 1.5 })).toThrow(refusal('vrf is not text'));
    expect(outcome({ vrf: 2 ** 53 })).toThrow(refusal('vrf is not text'));
    expect(outcome({ nasIp: 1 })).toThrow(refusal('nasIp is not text'));
  });

  test('a nasIp outside nas_allow is refused, and a malformed one is not checked against it', () => {
    const checked: string[] = [];
    const nasAllowed = (ip: string): boolean => {
      checked.push(ip);
      return ip === '100.112.0.1';
    };
    expect(wifiSessionOf(claims, { nasAllowed }).nasIp).toBe('100.112.0.1');
    expect(() => wifiSessionOf({ ...claims, nasIp: '169.254.169.254' }, { nasAllowed })).toThrow(
      refusal('nasIp is not in [disconnect] nas_allow'),
    );
    expect(() => wifiSessionOf({ ...claims, nasIp: '' }, { nasAllowed })).toThrow(refusal('nasIp is empty'));
    expect(checked).toEqual(['100.112.0.1', '169.254.169.254']);
  });
});

describe('clientMac', () => {
  test('every common notation of a MAC address becomes canonical', () => {
    const octets = fc
      .uint8Array({ minLength: 6, maxLength: 6 })
      .map((bytes) => Buffer.from([(bytes[0] ?? 0) & 0xfe, ...bytes.subarray(1)]).toString('hex'))
      .filter((hex) => hex !== '000000000000');
    const groups = (hex: string, size: number, separator: string) =>
      (hex.match(new RegExp(`.{${size}}`, 'g')) ?? []).join(separator);
    const form = fc.constantFrom<(hex: string) => string>(
      (hex) => groups(hex, 2, '-'),
      (hex) => groups(hex, 2, ':'),
      (hex) => groups(hex, 4, '.'),
      (hex) => hex,
    );
    fc.assert(
      fc.property(octets, form, fc.boolean(), (hex, write, upper) => {
        const clientMac = upper ? write(hex).toUpperCase() : write(hex);
        expect(outcome({ clientMac })()).toMatchObject({ clientMac: groups(hex, 2, '-').toUpperCase() });
      }),
    );
  });

  const none = 'clientMac is not a MAC address';
  test.each([
    ['FC-45-96-5F-50', none],
    ['FC-45-96-5F-50-AC-00', none],
    ['FC-45:96-5F-50-AC', none],
    ['FC45.965F.50A', none],
    ['FC.45.96.5F.50.AC', none],
    ['FC45-965F-50AC', none],
    ['FC45965F50A', none],
    ['GC-45-96-5F-50-AC', none],
    ['F-45-96-5F-50-AC', none],
    [' FC-45-96-5F-50-AC', none],
    ['FC-45-96-5F-50-AC\n', none],
    ['FC-45-96-5F-50-AC&session=x', none],
    ['', none],
    [['FC-45-96-5F-50-AC'], none],
    [277_385_000_000, none],
    [null, 'clientMac is missing'],
    ['FF-FF-FF-FF-FF-FF', 'clientMac is a multicast address'],
    ['01:00:5e:00:00:01', 'clientMac is a multicast address'],
    ['00-00-00-00-00-00', 'clientMac is all zeros'],
  ])('%j is refused', (clientMac, fault) => {
    expect(outcome({ clientMac })).toThrow(refusal(fault));
  });
});

test('arbitrary values give a session or an UNAUTHENTICATED error', () => {
  const value = fc.oneof(fc.anything(), fc.string(), anyText());
  fc.assert(
    fc.property(fc.record({ sessionId: value, nasIp: value, vrf: value, clientMac: value }), (any) => {
      let session: object = {};
      try {
        session = wifiSessionOf(any);
      } catch (error) {
        expect(error).toMatchObject({ code: 'UNAUTHENTICATED' });
      }
      for (const text of Object.values(session)) expect(() => encodeURIComponent(text)).not.toThrow();
    }),
  );
});
