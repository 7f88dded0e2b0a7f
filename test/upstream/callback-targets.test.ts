// Which hosts a callback may reach: public addresses, and what the operator allows. docs/protocol.md, Q9.

import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { bracketHost } from '../../src/lib/net.ts';
import { body, catchConnections, createResolver, createSender, startHook } from './callback-client.ts';
import { failureOf, portOf } from './pcrf-client.ts';

const inside: [string, string][] = [
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['loopback', '::1'],
  ['no address', '0.0.0.0'],
  ['no address', '0.1.2.3'],
  ['no address', '::'],
  ['private', '10.0.0.1'],
  ['private', '172.16.0.1'],
  ['private', '192.168.255.255'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['link-local', '169.254.1.1'],
  ["a cloud's metadata", '169.254.169.254'],
  ["a cloud's metadata", '100.100.100.200'],
  ["a cloud's metadata", '192.0.0.192'],
  ["a cloud's metadata", 'fd00:ec2::254'],
  ['link-local', 'fe80::1'],
  ['site-local', 'fec0::1'],
  ['unique local', 'fc00::1'],
  ['multicast', '224.0.0.1'],
  ['multicast', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['for benchmarks', '198.18.0.1'],
  ['for documentation', '203.0.113.1'],
  ['for documentation', '2001:db8::1'],
  ['mapped', '::ffff:127.0.0.1'],
  ['mapped', '::ffff:a00:1'],
  ['translated', '::ffff:0:7f00:1'],
  ['compatible', '::7f00:1'],
  ['NAT64', '64:ff9b::7f00:1'],
  ['NAT64 of an operator', '64:ff9b:1::a00:1'],
  ['6to4', '2002:7f00:1::'],
  ['Teredo', '2001:0:7f00:1::'],
  ['not assigned', '4000::1'],
];

async function refusal(url: string, options: Parameters<typeof createSender>[0] = {}): Promise<void> {
  const targets = catchConnections();
  const failure = await failureOf(createSender(options).send('1', { url, body }));
  const { protocol, host } = new URL(url);
  expect(failure).toEqual({
    kind: 'refused',
    reason:
      `the callback to ${protocol}//${host} is not sent: ` +
      'its address is not public, and [outgoing] callback_allow does not list it',
  });
  expect(targets).toEqual([]);
}

describe('refused is', () => {
  test.each(inside)('%s: %s as the host of the URL', async (_kind, address) => {
    const host = bracketHost(address);
    for (const scheme of ['http', 'https']) await refusal(`${scheme}://${host}:8080/x?y`);
  });

  test.each(inside)('%s: %s behind a name, alone or beside a public address', async (_kind, address) => {
    for (const addresses of [[address], ['8.8.8.8', address], [address, '2606:4700::1111']]) {
      await refusal('http://hook.example/', createResolver(addresses));
      await refusal('https://hook.example/', createResolver(addresses));
    }
  });

  test.each([
    'http://127.1/',
    'http://0/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://①②⑦.0.0.1/',
    'http://127。0。0。1/',
    'http://127%2e0.0.1/',
    'http:127.0.0.1/',
    'http:\\\\127.0.0.1\\',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::127.0.0.1]/',
  ])('this machine, spelled %s', async (url) => {
    await refusal(url);
  });

  test.each(['http://localhost/', 'http://LOCALHOST/'])('%s, by the resolver of the system', async (url) => {
    await refusal(url);
  });

  test('localhost with a trailing dot, which not every system resolves', async () => {
    const targets = catchConnections();
    const { kind } = await failureOf(createSender().send('1', { url: 'http://localhost./', body }));
    expect(['refused', 'failed']).toContain(kind);
    expect(targets).toEqual([]);
  });

  test.each([
    ['no URL', 'hook.example'],
    ['another scheme', 'ftp://hook.example/'],
    ['a password', 'http://user:hunter2@hook.example/'],
    ['a line break', 'http://hook.example/\r\nX: y'],
    ['2,049 characters', `http://hook.example/${'x'.repeat(2_029)}`],
  ])('%s, without looking anything up', async (_case, url) => {
    const { lookups, lookup } = createResolver(['127.0.0.1']);
    const { kind, reason } = await failureOf(
      createSender({ allow: ['127.0.0.1'], lookup }).send('1', { url, body }),
    );
    expect(kind).toBe('refused');
    expect(reason).not.toContain('hunter2');
    expect(lookups).toEqual([]);
  });

  test('a name whose address has become internal since the last callback', async () => {
    const server = await startHook();
    const url = `http://hook.example:${portOf(server.url)}/hook`;
    const sender = createSender({ allow: ['127.0.0.1'], ...createResolver(['127.0.0.1'], ['127.0.0.2']) });
    expect(await sender.send('1', { url, body })).toEqual({ kind: 'delivered' });
    expect((await failureOf(sender.send('1', { url, body }))).kind).toBe('refused');
    expect(server.requests).toHaveLength(1);
  });
});

describe('called is', () => {
  test.each(['8.8.8.8', '100.63.255.255', '172.32.0.1', '[2606:4700::1111]', '[2a00:1450::1]'])(
    'the public address %s',
    async (host) => {
      const targets = catchConnections();
      for (const scheme of ['http', 'https']) {
        const failure = await failureOf(createSender().send('1', { url: `${scheme}://${host}/`, body }));
        expect(failure.reason).toMatch(/ failed: no valid response \(ECAUGHT\)$/);
      }
      expect(targets).toEqual([[host.replace(/[[\]]/g, '')], [host.replace(/[[\]]/g, '')]]);
    },
  );

  test('a name at the addresses that were checked: it is looked up once', async () => {
    const targets = catchConnections();
    const resolver = createResolver(['8.8.8.8', '2606:4700::1111'], ['127.0.0.1']);
    await failureOf(createSender(resolver).send('1', { url: 'http://Hook.Example/', body }));
    expect(targets).toEqual([['8.8.8.8', '2606:4700::1111']]);
    expect(resolver.lookups).toEqual(['hook.example']);
  });

  test.each([
    ['an address', ['127.0.0.1']],
    ['a range', ['127.0.0.0/8']],
    ['ranges of both families', ['fd00::/8', '10.0.0.0/8', '127.0.0.0/24', '::1']],
  ])('what the operator allows: %s, for any name and without a warning', async (_case, allow) => {
    const warn = vi.spyOn(console, 'warn');
    onTestFinished(() => warn.mockRestore());
    const server = await startHook();
    const sender = createSender({ allow, ...createResolver(['127.0.0.1']) });
    expect(await sender.send('1', { url: `${server.url}/hook`, body })).toEqual({ kind: 'delivered' });
    expect(await sender.send('1', { url: `http://hook.example:${portOf(server.url)}/hook`, body })).toEqual({
      kind: 'delivered',
    });
    expect(server.requests).toHaveLength(2);
    expect(warn).not.toHaveBeenCalled();
  });

  test('the allowed one of several addresses of a name', async () => {
    const targets = catchConnections();
    const sender = createSender({
      allow: ['127.0.0.0/8'],
      ...createResolver(['::1', '127.0.0.1', '8.8.8.8']),
    });
    await failureOf(sender.send('1', { url: 'http://hook.example/', body }));
    expect(targets).toEqual([['127.0.0.1']]);
  });

  test('an allowed name, whatever its address', async () => {
    const targets = catchConnections();
    const resolver = createResolver(['10.0.0.1', '::1', 'fe80::1']);
    const sender = createSender({ allow: ['hooks.Internal'], ...resolver });
    for (const url of ['http://hooks.internal/', 'https://HOOKS.internal/']) {
      await failureOf(sender.send('1', { url, body }));
    }
    expect(targets).toEqual([
      ['10.0.0.1', '::1', 'fe80::1'],
      ['10.0.0.1', '::1', 'fe80::1'],
    ]);
  });
});

test.each(['x.hooks.internal', 'hooks.internal.', 'hooks.internal.example', 'xhooks.internal'])(
  'an allowed name does not allow %s',
  async (host) => {
    await refusal(`http://${host}/`, { allow: ['hooks.internal'], ...createResolver(['10.0.0.1']) });
  },
);

test('an allowed range allows no address outside it', async () => {
  const octet = fc.nat(255);
  const address = fc.tuple(octet, octet, octet).map((rest) => `10.${rest.join('.')}`);
  const targets = catchConnections();
  const sender = createSender({ allow: ['10.1.2.0/24', '10.9.0.0/16', 'fd00::/8'] });
  await fc.assert(
    fc.asyncProperty(fc.oneof(address, fc.constantFrom('10.1.2.3', '10.9.8.7', '10.1.3.0')), async (host) => {
      targets.length = 0;
      const { kind } = await failureOf(sender.send('1', { url: `http://${host}/`, body }));
      const allowed = /^10\.(1\.2|9\.\d+)\.\d+$/.test(host);
      expect([kind, targets]).toEqual(allowed ? ['failed', [[host]]] : ['refused', []]);
    }),
  );
});
