// Address ranges, hosts and origins: valid values are accepted, and invalid ones refused before they do harm.

import proxyAddr from '@fastify/proxy-addr';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  callbackTargets,
  networks,
  origins,
  path,
  proxies,
  publicHost,
  publicUrl,
  upstreamHost,
} from '../../src/config/address-types.ts';

describe('addresses and ranges', () => {
  const { type: kind } = networks('');

  test('of both families, alone and with a prefix', () => {
    const good = ['10.0.0.1', '0.0.0.0/0', '100.112.0.0/32', '::1', '2001:db8::/128', '::ffff:10.0.0.1'];
    expect(kind.parse(good.join(' ,'))).toEqual(good);
    expect(kind.parse(kind.format(good))).toEqual(good);
    expect(kind.parse('')).toEqual([]);
  });

  test.each([
    '10.0.0',
    '10.0.0.1/33',
    '10.0.0.1/',
    '10.0.0.1/-1',
    '10.0.0.1/8/8',
    '10.0.0.1/1e1',
    '::1/129',
    'fe80::1%eth0',
    'localhost',
    'loopback',
    '*',
    '10.0.0.1, x',
    '10.0.0.0/255.0.0.0',
  ])('%j is refused', (written) => expect(() => kind.parse(written)).toThrow('expected addresses or CIDR'));
});

describe('trusted proxies', () => {
  const { type: kind } = proxies('');

  test('are addresses, ranges and the names that proxy-addr knows', () => {
    const good = ['10.0.0.1', '10.0.0.0/1', '::1', '2001:db8::/128', 'loopback', 'linklocal', 'uniquelocal'];
    expect(kind.parse(good.join(', '))).toEqual(good);
    expect(kind.parse('')).toEqual([]);
  });

  test.each(['abc', '127.0.0.1/99', '0.0.0.0/0', '::/0', 'Loopback', 'loopback/8', 'toString', 'true', '1'])(
    '%j is refused',
    (written) => expect(() => kind.parse(`loopback, ${written}`)).toThrow('loopback, linklocal, uniquelocal'),
  );

  test('proxy-addr accepts every accepted value', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6());
    const written = fc.oneof(
      fc.tuple(address, fc.nat({ max: 130 })).map(([ip, prefix]) => `${ip}/${prefix}`),
      address,
      fc.constantFrom('loopback', 'linklocal', 'uniquelocal'),
      fc.string(),
    );
    fc.assert(
      fc.property(written, (text) => {
        let list: readonly string[];
        try {
          list = kind.parse(text);
        } catch {
          return;
        }
        if (list.length > 0) proxyAddr.compile([...list]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the public host', () => {
  const { type: kind } = publicHost('');

  test.each([
    '',
    'gw.example.org',
    'GW.example.org',
    'localhost',
    'gw_1',
    'xn--mnchen-3ya.de',
    '10.0.0.1',
    '::1',
    '2001:db8::1',
  ])('%j is taken', (written) => expect(kind.parse(written)).toBe(written));

  test.each([
    'https://gw.example.org',
    'gw.example.org:8443',
    '[::1]',
    '::1]',
    'gw example',
    'a/b',
    'a?b',
    'a#b',
    'me@gw',
    'a..b',
    '.a',
    '-a',
    'a-',
    'münchen.de',
    'fe80::1%eth0',
    '127.1',
    '0x7f.1',
    '256.1.1.1',
    '*',
    `${'a.'.repeat(127)}`,
    'a'.repeat(64),
  ])('%j is refused with a correction', (written) =>
    expect(() => kind.parse(written)).toThrow(
      /^expected only a host name or IP address, such as gw\.example\.org or 2001:db8::1 .*use public_url/,
    ),
  );

  test.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])(
    'a wildcard (%s) is not a host that clients can reach',
    (written) => expect(() => kind.parse(written)).toThrow('not a wildcard'),
  );
});

describe('allowed origins', () => {
  const { type: kind } = origins('');

  test('are accepted in the form that browsers send', () => {
    const good = ['https://app.example.org', 'http://localhost:3000', 'https://[::1]:8443', 'http://0.0.0.0'];
    expect(kind.parse(good.join(', '))).toEqual(good);
    expect(kind.parse(kind.format(good))).toEqual(good);
  });

  test('include all when empty or a single star', () => {
    expect([kind.parse(''), kind.parse('*'), kind.format([])]).toEqual([[], [], '']);
    expect(() => kind.parse('*, https://a.example')).toThrow('expected web origins');
    expect(() => kind.parse('*,')).toThrow('expected web origins');
  });

  test.each([
    'foo',
    'app.example.org',
    'localhost:3000',
    'null',
    'ftp://a',
    '//a',
    'https://a b',
    'https://a..b',
  ])('%j is refused', (written) =>
    expect(() => kind.parse(written)).toThrow(/^expected web origins as browsers .* for any$/),
  );

  test.each([
    ['https://x/', 'https://x'],
    ['https://App.Example.org', 'https://app.example.org'],
    ['HTTPS://x', 'https://x'],
    ['https://x:443', 'https://x'],
    ['http://x:80', 'http://x'],
    ['https://x/path?a=b', 'https://x'],
    ['https://x?', 'https://x'],
    ['https://me:pw@x:1', 'https://x:1'],
    ['https://münchen.de', 'https://xn--mnchen-3ya.de'],
    ['http://127.1', 'http://127.0.0.1'],
  ])('%j is refused, and %j suggested', (written, instead) => {
    const parse = () => kind.parse(`https://a.example, ${written}`);
    expect(parse).toThrow(new RegExp(`^expected web origins .*; write ${instead}$`));
    expect(kind.parse(instead)).toEqual([instead]);
  });
});

describe('a public URL', () => {
  const { type: kind } = publicUrl(['ws', 'wss'], '');

  test.each([
    '',
    'wss://gw.example.org',
    'ws://gw.example.org:8080',
    'wss://[2001:db8::1]:8443',
    'wss://gw.example.org:443',
    'ws://[2001:db8::1]:80',
  ])('%j is taken', (written) => expect(kind.parse(written)).toBe(written));

  test.each(['gw.example.org', 'https://gw.example.org', 'wss://', 'wss://a b', 'wss://a..b', '*'])(
    '%j is refused',
    (written) =>
      expect(() => kind.parse(written)).toThrow(
        'expected ws:// or wss:// with a host, an optional port and no path, such as wss://gw.example.org',
      ),
  );

  test.each(['wss://a/', 'wss://a/path', 'wss://a:443/', 'wss://a:0443', 'wss://me:pw@a', 'WSS://A'])(
    '%j is refused, and the correct form suggested',
    (written) => expect(() => kind.parse(written)).toThrow(/; write wss:\/\/a$/),
  );

  test.each(['ws://0.0.0.0:6996', 'ws://[::]:6996'])('%j is not a URL that clients can reach', (written) =>
    expect(() => kind.parse(written)).toThrow('not a wildcard'),
  );
});

describe('upstream systems', () => {
  test('a host may start with https://; http:// of older files is dropped', () => {
    const { type: kind } = upstreamHost('127.0.0.1', '');
    expect(kind.parse('backend.example.org')).toBe('backend.example.org');
    expect(kind.parse('http://127.0.0.1')).toBe('127.0.0.1');
    expect(kind.parse('https://backend.example.org')).toBe('https://backend.example.org');
    expect(kind.parse('2001:db8::1')).toBe('2001:db8::1');
  });

  test.each(['a/b', 'a:1', 'ftp://a', 'a b', 'https://', 'user@a', '0x7f.1'])(
    'host %j is refused',
    (written) =>
      expect(() => upstreamHost('127.0.0.1', '').type.parse(written)).toThrow('expected a host name'),
  );

  test('a path starts with a slash and contains no blanks', () => {
    const { type: kind } = path('/publish', '');
    expect(kind.parse('/v1/publish?a=b')).toBe('/v1/publish?a=b');
    for (const written of ['publish', '/a b', '/a#b', '/é', ''])
      expect(() => kind.parse(written)).toThrow('starts with /');
  });

  test('callback targets are hosts, addresses and ranges', () => {
    const { type: kind } = callbackTargets('');
    const good = ['hooks.example.org', '10.1.0.0/16', '127.0.0.1', '::1'];
    expect(kind.parse(good.join(', '))).toEqual(good);
    for (const written of ['http://a', '10.0.0.0/33', 'a:80'])
      expect(() => kind.parse(written)).toThrow('expected host names');
  });
});
