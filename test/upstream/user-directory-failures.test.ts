// The client of the developer API and the back end when these are broken or hostile.

import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Handler, respondWith } from './hostile-server.ts';
import { timeOut } from './upstream-failure.ts';
import { directoryAt, failureOf, key, number, startServer, startStub } from './user-directory-client.ts';

describe('fails with UPSTREAM, without a secret,', () => {
  const tooLarge = `{"user_id":"alice","x":"${'x'.repeat(64 * 1024)}"}`;
  const both: [string, Handler, RegExp][] = [
    ['500', respondWith(500, 'hunter2'), /answered 500/],
    ['503 that never ends', (response) => void response.writeHead(503).write('x'), /answered 503/],
    ['409', respondWith(409), /answered 409/],
    ['429', respondWith(429), /answered 429/],
    ['301 to somewhere else', respondWith(301, '', { location: 'http://127.0.0.1:1/evil' }), /answered 301/],
    ['307 to itself', respondWith(307, '', { location: '/users' }), /answered 307/],
    ['a body over 64 KiB', respondWith(200, tooLarge), /over 65536 bytes/],
    [
      'a body that unpacks to more than 64 KiB',
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(tooLarge)),
      /over 65536 bytes/,
    ],
    ['a connection that is cut before the answer', (response) => void response.destroy(), /UND_ERR_SOCKET/],
    [
      'a connection that is cut in the middle of the body',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{', () => response.destroy());
      },
      /no valid response/,
    ],
  ];
  test.each(both)('when the developer API responds with %s', async (_case, handler, why) => {
    const server = await startServer({ authenticate: handler });
    const directory = directoryAt(server.url);
    for (const failing of [() => directory.authenticate('dev', key), () => directory.userOf(number)]) {
      const message = await failureOf(failing());
      expect(message).toMatch(why);
      expect(message).toContain(`the developer API at ${server.url}/v1/authenticate failed`);
    }
    expect(server.paths()).toEqual(['/v1/authenticate', '/v1/authenticate']);
  });

  test.each(both)('when the back end responds with %s', async (_case, handler, why) => {
    const server = await startServer({ users: handler });
    const directory = directoryAt(server.url);
    for (const _again of [1, 2]) {
      const message = await failureOf(directory.userOf(number));
      expect(message).toMatch(why);
      expect(message).toContain(`the back end at ${server.url}/users failed`);
    }
    // A failure is not cached, and does not end our sign-in.
    expect(server.paths()).toEqual(['/v1/authenticate', '/users', '/users']);
  });

  test.each([
    ['nothing', '', /not JSON/],
    ['HTML', '<html>hunter2</html>', /not JSON/],
    ['null', 'null', /no text user_id/],
    ['a list', '["alice"]', /no text user_id/],
    ['another key', '{"id":"alice"}', /no text user_id/],
    ['a number', '{"user_id":7}', /no text user_id/],
    ['an empty id', '{"user_id":""}', /user_id is not/],
    ['129 characters', JSON.stringify({ user_id: 'x'.repeat(129) }), /user_id is not/],
    ['.', '{"user_id":"."}', /user_id is not/],
    ['..', '{"user_id":".."}', /user_id is not/],
    ['a path', '{"user_id":"../hunter2"}', /user_id is not/],
    ['a line end', '{"user_id":"alice\\n"}', /user_id is not/],
    ['other letters', '{"user_id":"ünï"}', /user_id is not/],
  ])('when the user is %s', async (_case, body, why) => {
    const server = await startServer({ users: respondWith(200, body) });
    expect(await failureOf(directoryAt(server.url).userOf(number))).toMatch(why);
  });

  const hanging: [string, Handler][] = [
    ['no answer', () => {}],
    ['an answer whose body never ends', (response) => void response.writeHead(200).write('{')],
  ];
  test.each(hanging)('after the timeout: %s', async (_case, handler) => {
    const slowApi = await startServer({ authenticate: handler });
    const clock = createFakeClock();
    const api = directoryAt(slowApi.url, { authTimeoutMs: 100, clock });
    const refused = failureOf(api.authenticate('dev', key));
    await timeOut(clock, slowApi, { count: 1, ms: 100 });
    expect(await refused).toMatch(/authenticate failed: no response within 100 ms/);
    const slowBackend = await startServer({ users: handler });
    const directory = directoryAt(slowBackend.url, { backendTimeoutMs: 100, clock });
    const failed = failureOf(directory.userOf(number));
    await timeOut(clock, slowBackend, { count: 2, ms: 100 });
    expect(await failed).toMatch(/users failed: no response within 100 ms/);
  });

  test('when no server listens; user and password of the URL are not in the message', async () => {
    const stub = await startStub();
    await stub.close();
    const directory = directoryAt(`${stub.url.replace('//', '//api:api-secret@')}`);
    const message = await failureOf(directory.authenticate('dev', key));
    expect(message).toContain(`${stub.url}/v1/authenticate failed: no valid response (ECONNREFUSED)`);
  });

  test('when too many different requests are in progress', async () => {
    const stub = await startStub();
    stub.setMode('hang');
    const directory = directoryAt(stub.url, { authId: '', backendTimeoutMs: 60_000 });
    const waiting = Array.from({ length: 256 }, (_, index) => failureOf(directory.userOf(String(index))));
    await expect(directory.userOf(number)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'too many requests to the back end are in flight; try again',
    });
    await vi.waitFor(() => expect(stub.received()).toHaveLength(256));
    await stub.close();
    await Promise.all(waiting);
  });
});

test('user and password of the URLs are sent as a header', async () => {
  const server = await startServer({});
  const directory = directoryAt(server.url.replace('//', '//api:api-secret%21@'));
  await directory.userOf(number);
  const expected = `Basic ${Buffer.from('api:api-secret!').toString('base64')}`;
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([expected, expected]);
});
