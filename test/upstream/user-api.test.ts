// The client of the user management API: what it sends, what it reads, and what a rejection means.

import { once } from 'node:events';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtInPlatforms, startUsersStub } from '../../src/stubs/users.ts';
import { createUserApi } from '../../src/upstream/user-api.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Handler, respondWith } from './hostile-server.ts';
import { apiAt, failureOf, password, startServer, verified } from './user-api-client.ts';

describe('against the stub', () => {
  async function startStub() {
    const users = new Map([
      ['u1', password],
      ['a/b c?d#%s$&', 'odd'],
    ]);
    const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users });
    onTestFinished(() => stub.close());
    return stub;
  }

  test('the right password returns the platforms, with absolute URLs of logos', async () => {
    const { url } = await startStub();
    const platforms = await apiAt(url).authenticate('u1', password);
    expect(platforms).toEqual(builtInPlatforms.map((each) => ({ ...each, logo: `${url}${each.logo}` })));
  });

  test.each([
    ['a wrong password', 'u1', 'wrong'],
    ['an empty password', 'u1', ''],
    ['an unknown user', 'u2', password],
  ])('%s gives undefined', async (_case, userId, tried) => {
    const { url } = await startStub();
    expect(await apiAt(url).authenticate(userId, tried)).toBeUndefined();
  });

  test('a user id with any character stays one segment of the path', async () => {
    const { url } = await startStub();
    expect(await apiAt(url).authenticate('a/b c?d#%s$&', 'odd')).toHaveLength(builtInPlatforms.length);
  });

  test('concurrent calls do not share cookies', async () => {
    const { url } = await startStub();
    const api = apiAt(url);
    const responses = await Promise.all([
      api.authenticate('u1', password),
      api.authenticate('u1', 'wrong'),
      api.authenticate('u2', password),
      api.authenticate('u1', password),
    ]);
    expect(responses.map((each) => each?.length)).toEqual([3, undefined, undefined, 3]);
  });
});

describe('the client sends', () => {
  test('the password as JSON, then the cookies that were set', async () => {
    const verify = respondWith(200, '{}', { 'set-cookie': ['session=chocolate; HttpOnly', 'b=2; Path=/'] });
    const server = await startServer({ verify });
    await apiAt(server.url).authenticate('u1', password);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v2/users/u1/verify',
      'GET /v2/users/u1/platforms',
    ]);
    const [first, second] = server.requests;
    expect(first?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(first?.body ?? '')).toEqual({ password });
    expect(first?.headers.cookie).toBeUndefined();
    expect(second?.headers.cookie?.split('; ').sort()).toEqual(['b=2', 'session=chocolate']);
    expect(second?.body).toBe('');
  });

  test('no cookies at the start of a second call', async () => {
    const server = await startServer({});
    const api = apiAt(server.url);
    await api.authenticate('u1', password);
    await api.authenticate('u1', password);
    expect(server.requests[2]?.headers.cookie).toBeUndefined();
  });

  test('consecutive requests over one connection', async () => {
    const ports: unknown[] = [];
    const saying =
      (handler: Handler): Handler =>
      (response, request) => {
        ports.push(request.socket.remotePort);
        handler(response, request);
      };
    const server = await startServer({
      verify: saying(verified),
      platforms: saying(respondWith(200, '{"saved_platforms":[]}')),
    });
    const api = apiAt(server.url);
    await api.authenticate('u1', password);
    await api.authenticate('u1', password);
    expect(ports).toHaveLength(4);
    expect(new Set(ports).size).toBe(1);
  });

  test('the cookies by name, whatever host, domain, path and Secure they carry', async () => {
    const cookie =
      'SWOB=j%3A%7B%22sid%22%3A%221%22%7D; Domain=example.org; Max-Age=7200; Path=/v2/users; Secure; HttpOnly';
    const server = await startServer({ verify: respondWith(200, '', { 'set-cookie': cookie }) });
    const platforms = await startServer({});
    const api = createUserApi({
      apiUrl: server.url,
      verificationUrl: `${server.url}/v2/users/%s/verify`,
      platformsUrl: `${platforms.url.replace('127.0.0.1', 'localhost')}/v2/users/%s/platforms`,
      timeoutMs: 5_000,
      clock: createFakeClock(),
    });
    expect(await api.authenticate('u1', password)).toEqual({ kind: 'accepted', platforms: [] });
    expect(platforms.requests.map(({ headers }) => headers.cookie)).toEqual([
      'SWOB=j%3A%7B%22sid%22%3A%221%22%7D',
    ]);
  });

  test('user and password of the URL as a header', async () => {
    const server = await startServer({});
    await apiAt(server.url.replace('//', '//api:api-secret%21@')).authenticate('u1', password);
    const expected = `Basic ${Buffer.from('api:api-secret!').toString('base64')}`;
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([expected, expected]);
    // The URL parser accepts it as it is.
    await apiAt(server.url.replace('//', '//api:100%@')).authenticate('u1', password);
    const literal = `Basic ${Buffer.from('api:100%').toString('base64')}`;
    expect(server.requests[2]?.headers.authorization).toBe(literal);
  });

  test('nothing to the platforms URL when the password was wrong', async () => {
    const server = await startServer({ verify: respondWith(401) });
    await apiAt(server.url).authenticate('u1', password);
    expect(server.requests).toHaveLength(1);
  });
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('an answer that comes packed (%s) is unpacked', async (encoding, pack) => {
  const body = pack('{"saved_platforms":[{"name":"g"}]}');
  const server = await startServer({
    platforms: (response) => void response.writeHead(200, { 'content-encoding': encoding }).end(body),
  });
  expect(await apiAt(server.url).authenticate('u1', password)).toEqual([{ name: 'g' }]);
});

describe('wrong user or password', () => {
  test.each([400, 401, 403, 404, 422])('is the meaning of a %i of the verification', async (status) => {
    const server = await startServer({ verify: respondWith(status, 'no') });
    expect(await apiAt(server.url).authenticate('u1', password)).toBeUndefined();
  });

  test.each([400, 401, 403, 404, 422])(
    'is not the meaning of a %i of the platforms, which is a failure',
    async (status) => {
      const server = await startServer({ platforms: respondWith(status, 'no') });
      expect(await failureOf(apiAt(server.url).authenticate('u1', password))).toContain(
        `${server.url}/v2/users/u1/platforms failed: it answered ${status} after the password was accepted`,
      );
    },
  );

  test('does not wait for the end of the rejection, and releases its connection', async () => {
    let closed: Promise<unknown> | undefined;
    const server = await startServer({
      verify: (response) => {
        closed = once(response, 'close');
        response.writeHead(401).write('never ends');
      },
    });
    expect(
      await apiAt(server.url, { clock: createFakeClock() }).authenticate('u1', password),
    ).toBeUndefined();
    await expect(closed).resolves.toEqual([]);
  });

  test.each(['', '.', '..', '\ud800'])(
    'needs no request for the user id %j, which names no path',
    async (userId) => {
      const server = await startServer({});
      expect(await apiAt(server.url).authenticate(userId, password)).toBeUndefined();
      expect(server.requests).toEqual([]);
    },
  );
});

describe('logos', () => {
  test.each([
    ['', '/l/g.svg'],
    ['/base', '/l/g.svg'],
    ['/base/', 'l/g.svg'],
  ])('are the API and the logo, one after the other (%j + %j)', async (base, logo) => {
    const body = JSON.stringify({ saved_platforms: [{ name: 'g', logo }] });
    const server = await startServer({ platforms: respondWith(200, body) });
    const api = createUserApi({
      apiUrl: `${server.url}${base}`,
      verificationUrl: `${server.url}/v2/users/%s/verify`,
      platformsUrl: `${server.url}/v2/users/%s/platforms`,
      timeoutMs: 5_000,
      clock: createFakeClock(),
    });
    const expected = [{ name: 'g', logo: `${server.url}${base}${logo}` }];
    expect(await api.authenticate('u1', password)).toEqual({ kind: 'accepted', platforms: expected });
  });

  test('that are missing or not strings, and all other members, are passed on unchanged', async () => {
    const saved = [{ name: 'a' }, { logo: null }, { logo: { x: 1 } }, { logo: 7, nested: [{ logo: '/x' }] }];
    const server = await startServer({
      platforms: respondWith(200, JSON.stringify({ saved_platforms: saved })),
    });
    expect(await apiAt(server.url).authenticate('u1', password)).toEqual(saved);
  });
});
