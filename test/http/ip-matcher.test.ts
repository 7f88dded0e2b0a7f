// P1: which addresses an allow-list lets through.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIpMatcher } from '../../src/http/ip-matcher.ts';

const createNasAllow = (list: readonly string[]) => createIpMatcher(list, '[disconnect] nas_allow');

test('addresses and ranges of both families are matched', () => {
  const allowed = createNasAllow(['100.112.0.0/16', '192.0.2.7', '10.9.8.7/8', '2001:db8::/32', 'fe80::1']);
  for (const ip of ['100.112.0.0', '100.112.255.255', '192.0.2.7', '10.200.1.1', '2001:db8::', 'fe80::1']) {
    expect([ip, allowed(ip)]).toEqual([ip, true]);
  }
  for (const ip of [
    '100.111.255.255',
    '100.113.0.0',
    '192.0.2.8',
    '11.0.0.0',
    '2001:db9::',
    'fe80::2',
    '::1',
  ]) {
    expect([ip, allowed(ip)]).toEqual([ip, false]);
  }
});

test('an IPv4-mapped IPv6 address counts as its IPv4, in the list too', () => {
  const allowed = createNasAllow(['100.112.0.0/16', '::ffff:192.0.2.7', '::ffff:10.0.0.0/104']);
  for (const ip of [
    '::ffff:100.112.0.1',
    '::FFFF:6470:1',
    '0:0:0:0:0:ffff:6470:0001',
    '192.0.2.7',
    '10.255.0.1',
  ]) {
    expect([ip, allowed(ip)]).toEqual([ip, true]);
  }
  for (const ip of ['::ffff:100.113.0.1', '::100.112.0.1', '64:ff9b::100.112.0.1', '192.0.2.8', '11.0.0.1']) {
    expect([ip, allowed(ip)]).toEqual([ip, false]);
  }
});

test('anything but an IP literal is never allowed, even by a list of all addresses', () => {
  const allowed = createNasAllow(['0.0.0.0/0', '::/0']);
  expect(allowed('169.254.169.254') && allowed('::1')).toBe(true);
  const others = [
    'localhost',
    'nas.example',
    '0144.0160.0.1',
    '100.112.1',
    '1685061633',
    '0x64.0x70.0.1',
    '100.112.0.1 ',
    '100.112.0.1/32',
    'fe80::1%eth0',
    '[::1]',
    '',
  ];
  for (const ip of others) expect([ip, allowed(ip)]).toEqual([ip, false]);
});

test('an empty list allows nothing', () => {
  expect(createNasAllow([])('100.112.0.1')).toBe(false);
});

test('every malformed entry is named', () => {
  const malformed = [
    'nas.example',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '010.0.0.0/8',
    '2001:db8::/129',
    '::ffff:10.0.0.0/95',
    '',
  ];
  for (const entry of malformed) {
    expect(() => createNasAllow(['10.0.0.1', entry])).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        message: expect.stringContaining(`[disconnect] nas_allow: ${JSON.stringify(entry)}: expected`),
      }),
    );
  }
  expect(() => createNasAllow(['x', '10.0.0.1', 'y'])).toThrow('"x", "y": expected an address');
});

test('a range of IPv4 holds exactly the addresses with its leading bits', () => {
  const address = fc.nat(0xffff_ffff);
  const dotted = (n: number) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.');
  fc.assert(
    fc.property(address, address, fc.nat(32), fc.boolean(), (base, ip, prefix, near) => {
      // Half the addresses share the leading bits, else hardly any would.
      const low = prefix === 32 ? 0 : 0xffff_ffff >>> prefix;
      const candidate = near ? ((base & ~low) | (ip & low)) >>> 0 : ip;
      const expected = (base & ~low) === (candidate & ~low);
      expect(createNasAllow([`${dotted(base)}/${prefix}`])(dotted(candidate))).toBe(expected);
    }),
  );
});
