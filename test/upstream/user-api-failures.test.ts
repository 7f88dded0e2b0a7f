// The client of the user management API when the API is broken or hostile.

import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startUsersStub } from '../../src/stubs/users.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Handler, respondWith } from './hostile-server.ts';
import { apiAt, failureOf, password, startServer, timeoutMs } from './user-api-client.ts';

describe('fails with UPSTREAM', () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  const both: [string, Handler, RegExp][] = [
    ['500', respondWith(500, 'oops'), /answered 500/],
    ['503 that never ends', (response) => void response.writeHead(503).write('x'), /answered 503/],
    ['429', respondWith(429), /answered 429/],
    ['409', respondWith(409), /answered 409/],
    ['301 to somewhere else', respondWith(301, '', { location: 'http://127.0.0.1:1/evil' }), /answered 301/],
    ['307 to itself', respondWith(307, '', { location: '/v2/users/u1/verify' }), /answered 307/],
    ['304', respondWith(304), /answered 304/],
    ['a body over 1 MiB', respondWith(200, `"${megabyte}"`), /over 1048576 bytes/],
    [
      'a body that unpacks to more than 1 MiB',
      (response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(megabyte + megabyte)),
      /over 1048576 bytes/,
    ],
    [
      'a damaged gzip body',
      respondWith(200, 'not gzip', { 'content-encoding': 'gzip' }),
      /no valid response/,
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
    [
      'headers without end',
      respondWith(200, '{}', { 'x-long': 'x'.repeat(64 * 1024) }),
      /UND_ERR_HEADERS_OVERFLOW/,
    ],
  ];
  test.each(both)('when verification responds with %s', async (_case, verify, why) => {
    const server = await startServer({ verify });
    const message = await failureOf(apiAt(server.url).authenticate('u1', password));
    expect(message).toMatch(why);
    expect(message).toContain(`${server.url}/v2/users/u1/verify`);
    expect(server.requests).toHaveLength(1);
  });
  test.each(both)('when the platforms respond with %s', async (_case, platforms, why) => {
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
  ])('when the platforms respond with %s', async (_case, body, why) => {
    const server = await startServer({ platforms: respondWith(200, body) });
    expect(await failureOf(apiAt(server.url).authenticate('u1', password))).toMatch(why);
  });

  /** What each server does before it hangs; `then` is called once it has done so. */
  const hanging: [string, (response: ServerResponse, then: () => void) => void][] = [
    ['no answer', (_response, then) => then()],
    ['an answer whose body never ends', (response, then) => void response.writeHead(200).write('{', then)],
  ];
  test.each(
    hanging.flatMap(([name, hang]) =>
      (['verify', 'platforms'] as const).map((call) => [name, call, hang] as const),
    ),
  )('after the timeout: %s at %s', async (_case, call, hang) => {
    const clock = createFakeClock();
    const server = await startServer({
      [call]: (response: ServerResponse) => hang(response, () => clock.advance(timeoutMs)),
    });
    const message = await failureOf(apiAt(server.url, { clock }).authenticate('u1', password));
    expect(message).toContain(`/v2/users/u1/${call} failed: no response within ${timeoutMs} ms`);
  });

  test('when the connection is refused, without the secrets of the URL', async () => {
    const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users: new Map() });
    await stub.close();
    const api = apiAt(stub.url.replace('//', '//api:api-secret@'), { query: '?key=hunter2' });
    const message = await failureOf(api.authenticate('u1', password));
    expect(message).toContain(`${stub.url}/v2/users/u1/verify failed: no valid response (ECONNREFUSED)`);
  });

  test('when the response is not HTTP, without quoting it', async () => {
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
    expect(message).toMatch(/no valid response \(HTTPParserError\)/);
  });
});
