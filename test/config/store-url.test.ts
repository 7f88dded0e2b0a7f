// The URL of the store: every folder and every Redis that it can name, and the URLs that name none.

import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressName,
  parseStoreUrl,
  type RedisStoreUrl,
  shownStoreUrl,
  storeFolder,
  storeUrl,
} from '../../src/config/store-url.ts';

test.each([
  ['memory:', undefined],
  ['file:./data', './data'],
  ['file:data', 'data'],
  ['file:../a b', '../a b'],
  ['file:/var/lib/swob', '/var/lib/swob'],
  ['file:100%?#', '100%?#'],
  ['file:///var/lib/swob', '/var/lib/swob'],
  ['file:///srv/a%20b/%C3%BC%25', '/srv/a b/ü%'],
])('%s is %j', (url, folder) => {
  expect(storeFolder(url)).toBe(folder);
  expect(storeUrl('memory:', '').kind.parse(url)).toBe(url);
});

test.each([
  'file://host/x',
  'file://localhost/x',
  'file://data',
  'file://./data',
  'file:',
  'file://',
  'FILE:./data',
  './data',
  'memory',
  'memory:x',
  'memory://',
  'file:///a%zz',
  'file:///a%2Fb',
  'file:///a%00',
  'file:a\0b',
  '',
])('%j is refused', (url) => {
  expect(() => storeUrl('memory:', '').kind.parse(url)).toThrow(
    'expected file:<folder> such as file:./data, file:///<absolute folder> with %20 for a space, memory:, or redis://',
  );
});

test.each(['file:///a?b', 'file:///a#b', 'file:///a\\b'])('%j is refused, with how to write it', (url) => {
  expect(() => storeFolder(url)).toThrow('written %3F, %23, %5C');
});

test('every absolute folder as a URL is that folder', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[/\0]|^\.\.?$/.test(text));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      const folder = `/${names.join('/')}`;
      expect(storeFolder(pathToFileURL(folder).href)).toBe(folder);
    }),
  );
});

const single = { kind: 'redis', tls: false, mode: 'single', db: 0 } as const;

test.each<[string, RedisStoreUrl]>([
  ['redis://localhost', { ...single, nodes: [{ host: 'localhost', port: 6379 }] }],
  ['redis://10.0.0.1:7000/3', { ...single, nodes: [{ host: '10.0.0.1', port: 7000 }], db: 3 }],
  ['rediss://[2001:db8::1]', { ...single, tls: true, nodes: [{ host: '2001:db8::1', port: 6379 }] }],
  ['redis://[::1]:1/0', { ...single, nodes: [{ host: '::1', port: 1 }] }],
  ['redis://:pass@a', { ...single, nodes: [{ host: 'a', port: 6379 }], password: 'pass' }],
  ['redis://me@a', { ...single, nodes: [{ host: 'a', port: 6379 }], user: 'me' }],
  [
    'redis://m%40e:p%2Fw%3A%25@a/1',
    { ...single, nodes: [{ host: 'a', port: 6379 }], db: 1, user: 'm@e', password: 'p/w:%' },
  ],
  [
    'redis+sentinel://a,[::1]:5/main',
    {
      ...single,
      mode: 'sentinel',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: '::1', port: 5 },
      ],
      master: 'main',
    },
  ],
  [
    'rediss+sentinel://:x@a:1/my-master.1/7',
    {
      ...single,
      tls: true,
      mode: 'sentinel',
      nodes: [{ host: 'a', port: 1 }],
      master: 'my-master.1',
      db: 7,
      password: 'x',
    },
  ],
  [
    'redis+cluster://a:1,b',
    {
      ...single,
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
    },
  ],
  ['rediss+cluster://a', { ...single, tls: true, mode: 'cluster', nodes: [{ host: 'a', port: 6379 }] }],
])('%s is a Redis', (url, expected) => {
  expect(parseStoreUrl(url)).toEqual(expected);
  expect(storeUrl('memory:', '').kind.parse(url)).toBe(url);
  expect(storeFolder(url)).toBeUndefined();
});

test.each([
  ['redis:a', 'expected redis://<host>[:<port>][/<db>] such as redis://localhost:6379, or redis+sentinel://'],
  [
    'redis+memory://a',
    'or redis+cluster://<host>[:<port>],… such as redis+cluster://a:6379,b:6379; rediss for TLS',
  ],
  ['redis://', 'an address of IPv6 stands in brackets'],
  ['redis://a:', 'a port is from 1 to 65535'],
  ['redis://a:0', 'a port is from 1 to 65535'],
  ['redis://a:65536', 'a port is from 1 to 65535'],
  ['redis://::1', 'an address of IPv6 stands in brackets'],
  ['redis://[a]:1', 'an address of IPv6 stands in brackets'],
  ['redis://a_b..c', 'expected redis://<host>'],
  ['redis://a,b', 'several servers are redis+sentinel://… or redis+cluster://…'],
  ['redis://a/', 'a db is a number'],
  ['redis://a/01', 'a db is a number'],
  ['redis://a/1/2', 'expected redis://<host>[:<port>][/<db>] such as'],
  ['redis://a?db=1', 'written %2F, %40, %3F, %23, %3A'],
  ['redis://:p/w@a', 'written %2F, %40, %3F, %23, %3A'],
  ['redis://:p:w@a', 'a ":" in user and password is written %3A'],
  ['redis://:p%w@a', 'a "%" in user and password is written %25'],
  ['redis+sentinel://a', 'expected redis+sentinel://<host>[:<port>],…/<master name>[/<db>]'],
  ['redis+sentinel://a,/main', 'an address of IPv6 stands in brackets'],
  ['rediss+sentinel://a/m n', 'expected rediss+sentinel://<host>'],
  ['redis+cluster://a/1', 'a cluster has no numbered databases'],
  [`redis+cluster://${Array(65).fill('a').join(',')}`, 'expected at most 64 servers'],
])('%s is refused with what is expected', (url, expected) => {
  expect(() => parseStoreUrl(url)).toThrow(expected);
});

const secret = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });
const address = fc.record({
  host: fc.oneof(fc.constantFrom('a', 'redis-1.example.org', '127.0.0.1'), fc.ipV6()),
  port: fc.integer({ min: 1, max: 65_535 }),
});

test('every Redis written as a URL is read back, and its password is never shown', () => {
  const redis = fc.record({
    tls: fc.boolean(),
    mode: fc.constantFrom('single', 'sentinel', 'cluster'),
    nodes: fc.array(address, { minLength: 1, maxLength: 4 }),
    db: fc.integer({ min: 0, max: 99_999 }),
    master: fc.stringMatching(/^[\w.-]{1,20}$/),
    user: fc.option(secret, { nil: undefined }),
    password: fc.option(secret, { nil: undefined }),
  });
  fc.assert(
    fc.property(redis, ({ tls, mode, nodes, db, master, user, password }) => {
      const given = mode === 'single' ? nodes.slice(0, 1) : nodes;
      const parts: Record<string, string> = {
        single: `/${db}`,
        sentinel: `/${master}/${db}`,
        cluster: '',
      };
      const login = `${encodeURIComponent(user ?? '')}${password === undefined ? '' : `:${encodeURIComponent(password)}`}`;
      const scheme = `redis${tls ? 's' : ''}${mode === 'single' ? '' : `+${mode}`}`;
      const hosts = given.map(addressName).join(',');
      const url = `${scheme}://${login === '' ? '' : `${login}@`}${hosts}${parts[mode]}`;
      expect(parseStoreUrl(url)).toEqual({
        kind: 'redis',
        tls,
        mode,
        nodes: given,
        db: mode === 'cluster' ? 0 : db,
        ...(mode === 'sentinel' && { master }),
        ...(user !== undefined && { user }),
        ...(password !== undefined && { password }),
      });
      const shown = url.replace(`:${encodeURIComponent(password ?? '')}@`, ':***@');
      expect(shownStoreUrl(url)).toBe(password === undefined ? url : shown);
    }),
  );
});

test('whatever is taken for a URL, what it throws repeats nothing of it', () => {
  fc.assert(
    fc.property(fc.constantFrom('', 's', '+cluster', 's+sentinel'), fc.string(), (scheme, rest) => {
      const url = `redis${scheme}://me:hunter2${rest}@a`;
      try {
        parseStoreUrl(url);
      } catch (error) {
        expect(String(error)).not.toContain('hunter2');
      }
    }),
  );
});
