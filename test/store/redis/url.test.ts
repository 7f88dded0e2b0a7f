// The URL of a store in Redis: all its forms, and invalid URLs.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { storeRules } from '../../../src/app/compose/store-adapters.ts';
import { redactStoreUrl } from '../../../src/config/store-url.ts';
import { formatAddress } from '../../../src/redis/address.ts';
import { parseRedisUrl, type RedisStoreUrl } from '../../../src/store/redis/url.ts';
import { anyText } from '../../support/any-text.ts';

const single = { tls: false, mode: 'single', db: 0 } as const;

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
  storeRules.checkUrl(url);
  expect(parseRedisUrl(url)).toEqual(expected);
});

test.each([
  ['redis:a', 'expected redis://<host>[:<port>][/<db>] such as redis://localhost:6379, or redis+sentinel://'],
  [
    'redis+memory://a',
    'or redis+cluster://<host>[:<port>],… such as redis+cluster://a:6379,b:6379; rediss for TLS',
  ],
  ['redis://', 'write an IPv6 address in brackets'],
  ['redis://a:', 'a port from 1 to 65535'],
  ['redis://a:0', 'a port from 1 to 65535'],
  ['redis://a:65536', 'a port from 1 to 65535'],
  ['redis://::1', 'write an IPv6 address in brackets'],
  ['redis://[a]:1', 'write an IPv6 address in brackets'],
  ['redis://a_b..c', 'expected redis://<host>'],
  ['redis://a,b', 'for several servers use redis+sentinel://… or redis+cluster://…'],
  ['redis://a/', 'a db is a number'],
  ['redis://a/01', 'a db is a number'],
  ['redis://a/1/2', 'expected redis://<host>[:<port>][/<db>] such as'],
  ['redis://a?db=1', 'as %2F, %40, %3F, %23, %3A'],
  ['redis://:p/w@a', 'as %2F, %40, %3F, %23, %3A'],
  ['redis://:p:w@a', 'write ":" in user and password as %3A'],
  ['redis://:p%w@a', 'write "%" in user and password as %25'],
  ['redis+sentinel://a', 'expected redis+sentinel://<host>[:<port>],…/<master name>[/<db>]'],
  ['redis+sentinel://a,/main', 'write an IPv6 address in brackets'],
  ['rediss+sentinel://a/m n', 'expected rediss+sentinel://<host>'],
  ['redis+cluster://a/1', 'a cluster has no numbered databases'],
  [`redis+cluster://${Array(65).fill('a').join(',')}`, 'expected at most 64 servers'],
])('%s is refused with what is expected', (url, expected) => {
  expect(() => parseRedisUrl(url)).toThrow(expected);
});

const secret = anyText({ minLength: 1, maxLength: 20 });
const address = fc.record({
  host: fc.oneof(fc.constantFrom('a', 'redis-1.example.org', '127.0.0.1'), fc.ipV6()),
  port: fc.integer({ min: 1, max: 65_535 }),
});

test('every Redis setting survives the conversion to a URL and back, and its password is never shown', () => {
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
      const hosts = given.map(formatAddress).join(',');
      const url = `${scheme}://${login === '' ? '' : `${login}@`}${hosts}${parts[mode]}`;
      expect(parseRedisUrl(url)).toEqual({
        tls,
        mode,
        nodes: given,
        db: mode === 'cluster' ? 0 : db,
        ...(mode === 'sentinel' && { master }),
        ...(user !== undefined && { user }),
        ...(password !== undefined && { password }),
      });
      const shown = url.replace(`:${encodeURIComponent(password ?? '')}@`, ':***@');
      expect(redactStoreUrl(url)).toBe(password === undefined ? url : shown);
    }),
  );
});

test('no error repeats any part of an invalid URL', () => {
  fc.assert(
    fc.property(fc.constantFrom('', 's', '+cluster', 's+sentinel'), fc.string(), (scheme, rest) => {
      const url = `redis${scheme}://me:hunter2${rest}@a`;
      try {
        parseRedisUrl(url);
      } catch (error) {
        expect(String(error)).not.toContain('hunter2');
      }
    }),
  );
});
