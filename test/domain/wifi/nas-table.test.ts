// Which NAS a session belongs to, and the table of profiles.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { schema } from '../../../src/config/schema.ts';
import { nasProfileNames } from '../../../src/domain/wifi/nas-profiles.ts';
import { createNasTable } from '../../../src/domain/wifi/nas-table.ts';
import { contains, parseNetwork } from '../../../src/lib/networks.ts';

const table = createNasTable([
  { name: 'all', address: ['10.0.0.0/8', '2001:db8::/32'], vrf: '' },
  { name: 'branch', address: ['10.1.0.0/16'], vrf: '' },
  { name: 'one', address: ['10.1.0.1'], vrf: '' },
  { name: 'vrf', address: ['10.0.0.0/8'], vrf: '7' },
]);

test.each([
  ['10.9.9.9', '1', 'all'],
  ['10.1.2.3', '1', 'branch'],
  ['10.1.0.1', '1', 'one'],
  ['10.1.0.1', '7', 'vrf'],
  ['::ffff:10.1.0.1', '1', 'one'],
  ['2001:DB8::9', '', 'all'],
  ['11.0.0.1', '1', undefined],
  ['2001:db9::1', '7', undefined],
  ['nas.example', '7', undefined],
])('%s in vrf %j belongs to %s', (nasIp, vrf, name) => {
  expect(table.find(nasIp, vrf)?.name).toBe(name);
});

test.each([
  ['10.1.0.1', ['all', 'branch', 'one', 'vrf']],
  ['::ffff:10.1.2.3', ['all', 'branch', 'vrf']],
  ['2001:db8::9', ['all']],
  ['11.0.0.1', []],
  ['nas.example', []],
])('at %s there may be %s', (address, names) => {
  const found = table.at(address).map(({ name }) => name);
  expect(found.sort()).toEqual(names);
});

test('a network has the addresses that share its first bits, and no others', () => {
  const ip = fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 255 })));
  const bitsOf = (octets: readonly number[]) =>
    octets.map((octet) => octet.toString(2).padStart(8, '0')).join('');
  fc.assert(
    fc.property(ip, ip, fc.integer({ min: 0, max: 32 }), (first, second, prefix) => {
      const network = parseNetwork(`${first.join('.')}/${prefix}`);
      const address = parseNetwork(second.join('.'));
      if (!network || !address) throw new Error('not parsed');
      const isShared = bitsOf(first).slice(0, prefix) === bitsOf(second).slice(0, prefix);
      expect(contains(network, address)).toBe(isShared);
    }),
  );
});

test.each([
  '10.0.0.1/33',
  '10.0.0/8',
  '10.0.0.1/-1',
  '10.0.0.1/',
  '::1/129',
  '::ffff:10.0.0.1/95',
  'fe80::1%eth0',
  '',
])('%s is not a network', (text) => {
  expect(parseNetwork(text)).toBeUndefined();
});

test('the configuration offers exactly the profiles of the table', () => {
  expect(schema['nas <name>'].profile.type.name).toBe(nasProfileNames.join(' | '));
});
