// Our sign-in at the developer API, which requests to the back end use: when it is renewed, and where its cookies go.

import { describe, expect, test } from 'vitest';
import { type Handler, respondWith } from './hostile-server.ts';
import {
  directoryAt,
  failureOf,
  number,
  refusals,
  signedIn,
  startServer,
  startStub,
} from './user-directory-client.ts';

describe('our sign-in', () => {
  test('lasts for ten minutes', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    for (const ms of [0, 599_999, 1]) {
      directory.clock.advance(ms);
      await directory.userOf(number);
    }
    expect(stub.received()).toEqual(['auth', number, number, 'auth', number]);
  });

  test('is renewed once when the back end has forgotten it', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    await directory.userOf(number);
    stub.setMode('expire');
    expect(await directory.userOf(number)).toBe('alice');
    expect(stub.received()).toEqual(['auth', number, number, 'auth', number]);
  });

  test('is renewed once for all requests that find it forgotten', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    await directory.userOf(number);
    stub.setMode('expire');
    const responses = await Promise.all(['2', number, '3'].map((msisdn) => directory.userOf(msisdn)));
    expect(responses).toEqual([undefined, 'alice', undefined]);
    expect(stub.received().filter((what) => what === 'auth')).toHaveLength(2);
  });

  test('whose renewal does not help fails with a remedy, and is retried the next time', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    stub.setMode('expire', { count: 2 });
    const message = await failureOf(directory.userOf(number));
    expect(message).toContain(`the back end at ${stub.url}/users failed`);
    expect(message).toContain('[dev_api] auth_id/auth_key are refused');
    expect(stub.received()).toEqual(['auth', number, 'auth', number]);
    expect(await directory.userOf(number)).toBe('alice');
  });

  test.each(refusals)('that gets a %d fails with a remedy, and is not cached', async (status) => {
    let wrong = true;
    const server = await startServer({
      authenticate: (response, request) => (wrong ? respondWith(status) : signedIn)(response, request),
    });
    const directory = directoryAt(server.url);
    const message = await failureOf(directory.userOf(number));
    expect(message).toContain(`the developer API at ${server.url}/v1/authenticate failed`);
    expect(message).toContain('[dev_api] auth_id/auth_key are refused');
    expect(server.paths()).toEqual(['/v1/authenticate']);
    wrong = false;
    expect(await directory.userOf(number)).toBe('alice');
  });

  test('is required by a back end that responds 401 when no auth id is set', async () => {
    const stub = await startStub();
    const message = await failureOf(directoryAt(stub.url, { authId: '' }).userOf(number));
    expect(message).toMatch(/answered 401; set \[dev_api\] auth_id and auth_key/);
    expect(stub.received()).toEqual([number]);
  });

  describe('to which the back end responds 403', () => {
    /** 403 for requests with a forbidden cookie, `alice` for all others; each sign-in gets a new cookie. */
    async function startForbidding(forbidden: (cookie: string) => boolean) {
      let signIns = 0;
      return startServer({
        authenticate: (response) => {
          signIns += 1;
          response.writeHead(200, { 'set-cookie': `session=${signIns}` }).end('{}');
        },
        users: (response, request) => {
          const body = forbidden(request.headers.cookie ?? '')
            ? [403, 'forbidden']
            : [200, '{"user_id":"alice"}'];
          response.writeHead(Number(body[0])).end(body[1]);
        },
      });
    }
    const signIns = (paths: readonly string[]) => paths.filter((path) => path === '/v1/authenticate').length;

    test('is renewed once when it is a minute old, and the user is found', async () => {
      const server = await startForbidding((cookie) => cookie === 'session=1' && server.requests.length > 2);
      const directory = directoryAt(server.url, { cacheTtlMs: 0 });
      expect(await directory.userOf(number)).toBe('alice');
      directory.clock.advance(60_000);
      expect(await directory.userOf(number)).toBe('alice');
      expect(server.paths()).toEqual(['/v1/authenticate', '/users', '/users', '/v1/authenticate', '/users']);
    });

    test('means that the number has no user when it is fresh, so that spam costs no sign-ins', async () => {
      const server = await startForbidding(() => true);
      const directory = directoryAt(server.url);
      for (let index = 0; index < 20; index += 1) expect(await directory.userOf(`+${index}`)).toBeUndefined();
      expect(signIns(server.paths())).toBe(1);
      directory.clock.advance(59_999);
      expect(await directory.userOf('+20')).toBeUndefined();
      expect(signIns(server.paths())).toBe(1);
      directory.clock.advance(1);
      const later = ['+21', '+22', '+23'].map((msisdn) => directory.userOf(msisdn));
      expect(await Promise.all(later)).toEqual([undefined, undefined, undefined]);
      expect(signIns(server.paths())).toBe(2);
    });
  });

  test('to which the back end responds 401 even when it is fresh says nothing about the number', async () => {
    const server = await startServer({ users: respondWith(401, 'unauthorized') });
    const directory = directoryAt(server.url);
    expect(await failureOf(directory.userOf(number))).toContain(
      'it answered 401: [dev_api] auth_id/auth_key are refused',
    );
    expect(server.paths()).toEqual(['/v1/authenticate', '/users', '/v1/authenticate', '/users']);
  });
});

describe('the cookies of our sign-in', () => {
  const cookies = [
    'SWOBDev=eyJ1aWQiOiAi4oCmIn0=; Domain=developers.example.org; Path=/v1; Secure; HttpOnly; SameSite=Lax; Max-Age=7200',
    'route=b; Secure; Path=/other; Expires=Wed, 21 Oct 2099 07:28:00 GMT',
  ];

  test('reach a back end on another host by name, whatever domain, path and Secure they carry', async () => {
    const developerApi = await startServer({
      authenticate: respondWith(200, '{}', { 'set-cookie': cookies }),
    });
    const backend = await startServer({});
    const directory = directoryAt(developerApi.url, {
      backendUrl: `${backend.url.replace('127.0.0.1', 'localhost')}/users`,
    });
    expect(await directory.userOf(number)).toBe('alice');
    expect(backend.requests.map(({ headers }) => headers.cookie)).toEqual([
      'SWOBDev=eyJ1aWQiOiAi4oCmIn0=; route=b',
    ]);
  });

  test('include what the back end sets, and are those of the latest sign-in', async () => {
    const users: Handler = (response) =>
      void response
        .writeHead(200, { 'set-cookie': ['session=vanilla', 'sticky=1', 'route=; Max-Age=0'] })
        .end('{"user_id":"alice"}');
    const server = await startServer({
      authenticate: respondWith(200, '{}', { 'set-cookie': ['session=chocolate', 'route=b'] }),
      users,
    });
    const directory = directoryAt(server.url, { cacheTtlMs: 0 });
    await directory.userOf(number);
    await directory.userOf(number);
    directory.clock.advance(600_000);
    await directory.userOf(number);
    const sent = server.requests.filter(({ path }) => path === '/users').map(({ headers }) => headers.cookie);
    expect(sent).toEqual([
      'session=chocolate; route=b',
      'session=vanilla; sticky=1',
      'session=chocolate; route=b',
    ]);
    expect(server.requests[0]?.headers.cookie).toBeUndefined();
  });
});
