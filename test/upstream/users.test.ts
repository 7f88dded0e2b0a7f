// The user management API as its client sees it: well-behaved (the stub), wrong, broken and hostile.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtInPlatforms, startUsersStub } from '../../src/stubs/users.ts';
import { createUserApi } from '../../src/upstream/users.ts';
import { answer, type Handler, startHostileServer } from './hostile-server.ts';
import { upstreamFailure } from './upstream-failure.ts';

const password = 'correct horse "battery" \\ ✓';

function apiAt(url: string, { timeoutMs = 5_000, query = '' } = {}) {
  return createUserApi({
    apiUrl: url,
    verificationUrl: `${url}/v2/users/%s/verify${query}`,
    platformsUrl: `${url}/v2/users/%s/platforms${query}`,
    timeoutMs,
  });
}

const verified = answer(200, '{}', { 'set-cookie': 'session=chocolate; HttpOnly; Path=/' });

const startServer = (handlers: { verify?: Handler; platforms?: Handler }) =>
  startHostileServer({
    'POST /v2/users/u1/verify': handlers.verify ?? verified,
    'GET /v2/users/u1/platforms': handlers.platforms ?? answer(200, '{"saved_platforms":[]}'),
  });

const failureOf = (promise: Promise<unknown>): Promise<string> =>
  upstreamFailure(promise, [password, 'chocolate', 'api-secret', 'hunter2']);

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

  test('the right password gives the platforms, with absolute logos', async () => {
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

  test('calls at the same time do not share cookies', async () => {
    const { url } = await startStub();
    const api = apiAt(url);
    const answers = await Promise.all([
      api.authenticate('u1', password),
      api.authenticate('u1', 'wrong'),
      api.authenticate('u2', password),
      api.authenticate('u1', password),
    ]);
    expect(answers.map((each) => each?.length)).toEqual([3, undefined, undefined, 3]);
  });
});

describe('what is sent', () => {
  test('the password as JSON, then the cookies that were set', async () => {
    const verify = answer(200, '{}', { 'set-cookie': ['session=chocolate; HttpOnly', 'b=2; Path=/'] });
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

  test('a second call begins without cookies', async () => {
    const server = await startServer({});
    const api = apiAt(server.url);
    await api.authenticate('u1', password);
    await api.authenticate('u1', password);
    expect(server.requests[2]?.headers.cookie).toBeUndefined();
  });

  test('all over one connection, as long as they come one after the other', async () => {
    const ports: unknown[] = [];
    const saying =
      (handler: Handler): Handler =>
      (response, request) => {
        ports.push(request.socket.remotePort);
        handler(response, request);
      };
    const server = await startServer({
      verify: saying(verified),
      platforms: saying(answer(200, '{"saved_platforms":[]}')),
    });
    const api = apiAt(server.url);
    await api.authenticate('u1', password);
    await api.authenticate('u1', password);
    expect(ports).toHaveLength(4);
    expect(new Set(ports).size).toBe(1);
  });

  test('no cookie of one host to another', async () => {
    const platforms = await startServer({});
    const server = await startServer({});
    const api = createUserApi({
      apiUrl: server.url,
      verificationUrl: `${server.url}/v2/users/%s/verify`,
      platformsUrl: `${platforms.url.replace('127.0.0.1', 'localhost')}/v2/users/%s/platforms`,
      timeoutMs: 5_000,
    });
    await api.authenticate('u1', password);
    expect(platforms.requests.map(({ headers }) => headers.cookie)).toEqual([undefined]);
  });

  test('user and password of the URL as a header', async () => {
    const server = await startServer({});
    await apiAt(server.url.replace('//', '//api:api-secret%21@')).authenticate('u1', password);
    const expected = `Basic ${Buffer.from('api:api-secret!').toString('base64')}`;
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([expected, expected]);
  });

  test('nothing to the platforms URL when the password was wrong', async () => {
    const server = await startServer({ verify: answer(401) });
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
  test.each([400, 401, 403, 404, 422])('is what a %i of either answer means', async (status) => {
    const atVerify = await startServer({ verify: answer(status, 'no') });
    const atPlatforms = await startServer({ platforms: answer(status, 'no') });
    expect(await apiAt(atVerify.url).authenticate('u1', password)).toBeUndefined();
    expect(await apiAt(atPlatforms.url).authenticate('u1', password)).toBeUndefined();
  });

  test('does not wait for the end of the refusal, and lets go of its connection', async () => {
    let closed: Promise<unknown> | undefined;
    const server = await startServer({
      verify: (response) => {
        closed = once(response, 'close');
        response.writeHead(401).write('never ends');
      },
    });
    expect(await apiAt(server.url, { timeoutMs: 600_000 }).authenticate('u1', password)).toBeUndefined();
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
    const server = await startServer({ platforms: answer(200, body) });
    const api = createUserApi({
      apiUrl: `${server.url}${base}`,
      verificationUrl: `${server.url}/v2/users/%s/verify`,
      platformsUrl: `${server.url}/v2/users/%s/platforms`,
      timeoutMs: 5_000,
    });
    const expected = [{ name: 'g', logo: `${server.url}${base}${logo}` }];
    expect(await api.authenticate('u1', password)).toEqual(expected);
  });

  test('that are missing or no text, and all else, are passed on as they are', async () => {
    const saved = [{ name: 'a' }, { logo: null }, { logo: { x: 1 } }, { logo: 7, nested: [{ logo: '/x' }] }];
    const server = await startServer({ platforms: answer(200, JSON.stringify({ saved_platforms: saved })) });
    expect(await apiAt(server.url).authenticate('u1', password)).toEqual(saved);
  });
});

describe('fails with UPSTREAM', () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  const both: [string, Handler, RegExp][] = [
    ['500', answer(500, 'oops'), /answered 500/],
    ['503 that never ends', (response) => void response.writeHead(503).write('x'), /answered 503/],
    ['429', answer(429), /answered 429/],
    ['409', answer(409), /answered 409/],
    ['301 to somewhere else', answer(301, '', { location: 'http://127.0.0.1:1/evil' }), /answered 301/],
    ['307 to itself', answer(307, '', { location: '/v2/users/u1/verify' }), /answered 307/],
    ['304', answer(304), /answered 304/],
    ['a body over 1 MiB', answer(200, `"${megabyte}"`), /over 1048576 bytes/],
    [
      'a body that unpacks to more than 1 MiB',
      (response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(megabyte + megabyte)),
      /over 1048576 bytes/,
    ],
    ['a damaged gzip body', answer(200, 'not gzip', { 'content-encoding': 'gzip' }), /no usable answer/],
    ['a connection that is cut before the answer', (response) => void response.destroy(), /ECONNRESET/],
    [
      'a connection that is cut in the middle of the body',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{', () => response.destroy());
      },
      /no usable answer/,
    ],
    ['headers without end', answer(200, '{}', { 'x-long': 'x'.repeat(64 * 1024) }), /HPE_HEADER_OVERFLOW/],
  ];
  test.each(both)('when verification answers %s', async (_case, verify, why) => {
    const server = await startServer({ verify });
    const message = await failureOf(apiAt(server.url).authenticate('u1', password));
    expect(message).toMatch(why);
    expect(message).toContain(`${server.url}/v2/users/u1/verify`);
    expect(server.requests).toHaveLength(1);
  });
  test.each(both)('when the platforms are %s', async (_case, platforms, why) => {
    const server = await startServer({ platforms });
    const message = await failureOf(apiAt(server.url).authenticate('u1', password));
    expect(message).toMatch(why);
    expect(message).toContain(`${server.url}/v2/users/u1/platforms`);
  });

  test.each([
    ['nothing', '', /not JSON/],
    ['HTML', '<html>Log in</html>', /not JSON/],
    ['JSON cut short', '{"saved_platforms":[', /not JSON/],
    ['null', 'null', /no list saved_platforms/],
    ['a list', '[]', /no list saved_platforms/],
    ['another key', '{"platforms":[]}', /no list saved_platforms/],
    ['an object for the list', '{"saved_platforms":{}}', /no list saved_platforms/],
    ['a list of names', '{"saved_platforms":["gmail"]}', /not all objects/],
    ['a list with null', '{"saved_platforms":[null]}', /not all objects/],
    ['a list of lists', '{"saved_platforms":[[]]}', /not all objects/],
  ])('when the platforms are %s', async (_case, body, why) => {
    const server = await startServer({ platforms: answer(200, body) });
    expect(await failureOf(apiAt(server.url).authenticate('u1', password))).toMatch(why);
  });

  const hanging: [string, Handler][] = [
    ['no answer', () => {}],
    ['an answer whose body never ends', (response) => void response.writeHead(200).write('{')],
  ];
  test.each(hanging)('after the time-out: %s at verification', async (_case, verify) => {
    const server = await startServer({ verify });
    const message = await failureOf(apiAt(server.url, { timeoutMs: 100 }).authenticate('u1', password));
    expect(message).toMatch(/verify failed: no answer within 100 ms/);
  });
  test.each(hanging)('after the time-out: %s at the platforms', async (_case, platforms) => {
    const server = await startServer({ platforms });
    const message = await failureOf(apiAt(server.url, { timeoutMs: 100 }).authenticate('u1', password));
    expect(message).toMatch(/platforms failed: no answer within 100 ms/);
  });

  test('when the connection is refused, without the secrets of the URL', async () => {
    const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users: new Map() });
    await stub.close();
    const api = apiAt(stub.url.replace('//', '//api:api-secret@'), { query: '?key=hunter2' });
    const message = await failureOf(api.authenticate('u1', password));
    expect(message).toContain(`${stub.url}/v2/users/u1/verify failed: no usable answer (ECONNREFUSED)`);
  });

  test('when the answer is no HTTP, and does not quote it', async () => {
    const server = createServer(
      (socket) =>
        void socket
          .on('error', () => {})
          .resume()
          .end('SSH-2.0-hunter2\r\n'),
    );
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const message = await failureOf(apiAt(`http://127.0.0.1:${port}`).authenticate('u1', password));
    expect(message).toMatch(/no usable answer \(HPE_/);
  });
});
