import { expect, test } from 'vitest';
import { collectStream } from '../../src/lib/collect-bytes.ts';
import { bracketHost, canonicalIpv6, mappedIpv4, unbracketHost } from '../../src/lib/net.ts';

test('brackets only IPv6 addresses in a URL, and removes the brackets for the system', () => {
  for (const host of ['::1', 'fe80::1', '10.0.0.1', 'example.org', 'localhost']) {
    expect(new URL(`http://${bracketHost(host)}:1/`).hostname).toBe(bracketHost(host));
    expect(unbracketHost(bracketHost(host))).toBe(host);
  }
});

test('returns one canonical form of an IPv6 address, and none with a zone or for anything else', () => {
  expect(canonicalIpv6('2001:0DB8:0::0001')).toBe('2001:db8::1');
  for (const text of ['fe80::1%eth0', '10.0.0.1', 'a', '', '::1]/x[']) {
    expect(canonicalIpv6(text), text).toBeUndefined();
  }
});

test('recognises a mapped IPv4 address in any notation', () => {
  for (const text of ['::ffff:10.0.0.1', '::FFFF:a00:1', '0:0:0:0:0:ffff:0a00:0001']) {
    expect(mappedIpv4(canonicalIpv6(text) ?? ''), text).toBe('10.0.0.1');
  }
  for (const text of ['::1', '64:ff9b::10.0.0.1', '::ffff:0:a00:1']) {
    expect(mappedIpv4(canonicalIpv6(text) ?? ''), text).toBeUndefined();
  }
});

test('collects a stream up to its limit, and no further', async () => {
  async function* chunks() {
    yield Buffer.from('é');
    yield 'ab';
  }
  expect((await collectStream(chunks(), 4))?.toString()).toBe('éab');
  expect(await collectStream(chunks(), 3)).toBeUndefined();
});
