// The developer API and the back end as their client sees them: well-behaved (the stub), wrong, broken and hostile.

import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type DeveloperStubOptions, startDeveloperStub } from '../../src/stubs/developer.ts';
import { createDirectory, type DirectoryOptions } from '../../src/upstream/directory.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { answer, type Handler, startHostileServer } from './hostile-server.ts';
import { upstreamFailure } from './upstream-failure.ts';

const key = 'hunter2 "key" \\ ✓';
const number = '+237650000001';
const developers = new Map([
  ['ours', 'our-secret'],
  ['dev', key],
]);
const numbers = new Map([[number, 'alice']]);
const refusals = [400, 401, 403, 404, 422];

function directoryAt(url: string, options: Partial<DirectoryOptions> = {}) {
  const clock = createFakeClock();
  const directory = createDirectory({
    authenticationUrl: `${url}/v1/authenticate`,
    authId: 'ours',
    authKey: 'our-secret',
    authTimeoutMs: 5_000,
    backendUrl: `${url}/users`,
    backendTimeoutMs: 5_000,
    cacheTtlMs: 600_000,
    clock,
    ...options,
  });
  return { ...directory, clock };
}

async function startStub(options: Partial<DeveloperStubOptions> = {}) {
  const stub = await startDeveloperStub({ host: '127.0.0.1', port: 0, developers, numbers, ...options });
  onTestFinished(() => stub.close());
  /** What was asked so far: `auth` or the number. */
  const asked = () => stub.requests().map(({ phone_number }) => phone_number ?? 'auth');
  return { ...stub, asked };
}

const signedIn = answer(200, '{}', { 'set-cookie': 'session=chocolate; HttpOnly; Path=/' });

async function startServer(handlers: { authenticate?: Handler; users?: Handler }) {
  const server = await startHostileServer({
    'POST /v1/authenticate': handlers.authenticate ?? signedIn,
    'POST /users': handlers.users ?? answer(200, '{"user_id":"alice"}'),
  });
  const paths = () => server.requests.map(({ path }) => path);
  return { ...server, paths };
}

const failureOf = (promise: Promise<unknown>): Promise<string> =>
  upstreamFailure(promise, [key, 'hunter2', 'our-secret', 'chocolate', 'api-secret']);

describe('credentials', () => {
  test.each([
    ['dev', key, true],
    ['dev', 'wrong', false],
    ['nobody', key, false],
    ['', '', false],
  ])('of %j with %j are right: %j', async (authId, authKey, right) => {
    const { url } = await startStub();
    expect(await directoryAt(url).authenticate(authId, authKey)).toBe(right);
  });

  test('are sent as JSON, without our own cookies', async () => {
    const server = await startServer({});
    const directory = directoryAt(server.url);
    await directory.userOf(number);
    await directory.authenticate('dev', key);
    const { method, path, headers, body } = server.requests[2] ?? {};
    expect([method, path, headers?.['content-type'], headers?.cookie]).toEqual([
      'POST',
      '/v1/authenticate',
      'application/json',
      undefined,
    ]);
    expect(JSON.parse(body ?? '')).toEqual({ auth_id: 'dev', auth_key: key });
  });

  test.each(refusals)('are wrong when the answer is %d', async (status) => {
    const server = await startServer({ authenticate: answer(status, 'no') });
    expect(await directoryAt(server.url).authenticate('dev', key)).toBe(false);
  });

  test('that are right are asked for once a minute', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    for (const ms of [0, 59_999]) {
      directory.clock.advance(ms);
      expect(await directory.authenticate('dev', key)).toBe(true);
    }
    expect(stub.asked()).toHaveLength(1);
    directory.clock.advance(1);
    expect(await directory.authenticate('dev', key)).toBe(true);
    expect(stub.asked()).toHaveLength(2);
  });

  test('that are remembered let no other key or id in', async () => {
    const stub = await startStub({ developers: new Map([['a', 'bc']]) });
    const directory = directoryAt(stub.url);
    expect(await directory.authenticate('a', 'bc')).toBe(true);
    for (const [authId, authKey] of [
      ['ab', 'c'],
      ['', 'abc'],
      ['a', 'bd'],
      ['a', 'bc '],
    ] as const) {
      expect(await directory.authenticate(authId, authKey)).toBe(false);
    }
  });

  test('that were wrong are asked for again', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    await directory.authenticate('dev', 'wrong');
    await directory.authenticate('dev', 'wrong');
    expect(stub.asked()).toHaveLength(2);
  });

  test('are asked for once when many ask at the same time', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    const checks = Array.from({ length: 20 }, () => directory.authenticate('dev', key));
    expect(await Promise.all(checks)).toEqual(Array.from({ length: 20 }, () => true));
    expect(stub.asked()).toHaveLength(1);
  });
});

describe('the user of a number', () => {
  test('is who the back end says, asked with the cookie of our sign-in', async () => {
    const server = await startServer({});
    expect(await directoryAt(server.url).userOf(number)).toBe('alice');
    const [signIn, question] = server.requests;
    expect([signIn?.path, JSON.parse(signIn?.body ?? '')]).toEqual([
      '/v1/authenticate',
      { auth_id: 'ours', auth_key: 'our-secret' },
    ]);
    expect([question?.method, question?.path, JSON.parse(question?.body ?? '')]).toEqual([
      'POST',
      '/users',
      { phone_number: number },
    ]);
    expect(question?.headers.cookie).toBe('session=chocolate');
    expect(question?.headers['content-type']).toBe('application/json');
  });

  test('is asked for without a sign-in when we have no auth id', async () => {
    const server = await startServer({});
    expect(await directoryAt(server.url, { authId: '', authKey: '' }).userOf(number)).toBe('alice');
    expect(server.paths()).toEqual(['/users']);
    expect(server.requests[0]?.headers.cookie).toBeUndefined();
  });

  test('is undefined when the number is unknown', async () => {
    const { url } = await startStub();
    expect(await directoryAt(url).userOf('+237650000002')).toBeUndefined();
  });

  test('is not known when we may not ask, whoever the number belongs to', async () => {
    const server = await startServer({ users: answer(403, 'no') });
    const failed = await failureOf(directoryAt(server.url).userOf(number));
    expect(failed).toContain('it answered 403: [dev_api] auth_id/auth_key are refused');
  });

  test.each([400, 404, 422])('is undefined when the back end answers %d', async (status) => {
    const server = await startServer({ users: answer(status, 'no') });
    expect(await directoryAt(server.url).userOf(number)).toBeUndefined();
  });

  test.each(['a', 'A-Za_z.0+9', '...', 'x'.repeat(128)])('may be %s', async (user) => {
    const server = await startServer({ users: answer(201, JSON.stringify({ user_id: user, more: 1 })) });
    expect(await directoryAt(server.url).userOf(number)).toBe(user);
  });

  test('is remembered for its time, and that there is none for half a minute at most', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 40_000 });
    const ask = async () => [await directory.userOf(number), await directory.userOf('2')];
    expect(await ask()).toEqual(['alice', undefined]);
    directory.clock.advance(29_999);
    expect(await ask()).toEqual(['alice', undefined]);
    expect(stub.asked()).toEqual(['auth', number, '2']);
    directory.clock.advance(1);
    await ask();
    expect(stub.asked()).toEqual(['auth', number, '2', '2']);
    directory.clock.advance(10_000);
    await ask();
    expect(stub.asked()).toEqual(['auth', number, '2', '2', number]);
  });

  test('that there is none is remembered for no longer than a user', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 5_000 });
    await directory.userOf('2');
    directory.clock.advance(5_000);
    await directory.userOf('2');
    expect(stub.asked()).toEqual(['auth', '2', '2']);
  });

  test('is asked for each time with a time of 0', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    for (const msisdn of [number, number, '2', '2']) await directory.userOf(msisdn);
    expect(stub.asked()).toEqual(['auth', number, number, '2', '2']);
  });

  test('is asked for once when many ask at the same time, and all share one sign-in', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    const questions = [number, number, '2', number, '3'].map((msisdn) => directory.userOf(msisdn));
    expect(await Promise.all(questions)).toEqual(['alice', 'alice', undefined, 'alice', undefined]);
    expect(stub.asked().toSorted()).toEqual([number, '2', '3', 'auth']);
  });
});

describe('our sign-in', () => {
  test('lasts for ten minutes', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    for (const ms of [0, 599_999, 1]) {
      directory.clock.advance(ms);
      await directory.userOf(number);
    }
    expect(stub.asked()).toEqual(['auth', number, number, 'auth', number]);
  });

  test('lasts for 1,000 calls, so that the cookies of answers do not pile up', async () => {
    let count = 0;
    const users: Handler = (response) => {
      count += 1;
      const cookie = `c${count % 20}=${count}; Path=/`;
      response.writeHead(200, { 'set-cookie': cookie }).end('{"user_id":"alice"}');
    };
    const server = await startServer({ users });
    const directory = directoryAt(server.url, { cacheTtlMs: 0 });
    for (let index = 0; index < 1_001; index += 1) await directory.userOf(number);
    expect(server.paths().filter((path) => path === '/v1/authenticate')).toHaveLength(2);
    expect(server.requests[2]?.headers.cookie).toContain('c1=1');
    expect(server.requests.at(-1)?.headers.cookie).toBe('session=chocolate');
  });

  test('is renewed once when the back end has forgotten it', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    await directory.userOf(number);
    stub.setBehaviour('expire');
    expect(await directory.userOf(number)).toBe('alice');
    expect(stub.asked()).toEqual(['auth', number, number, 'auth', number]);
  });

  test('is renewed once for all who find it forgotten', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    await directory.userOf(number);
    stub.setBehaviour('expire');
    const answers = await Promise.all(['2', number, '3'].map((msisdn) => directory.userOf(msisdn)));
    expect(answers).toEqual([undefined, 'alice', undefined]);
    expect(stub.asked().filter((what) => what === 'auth')).toHaveLength(2);
  });

  test('that does not help fails, says what to mend, and is tried again the next time', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    stub.setBehaviour('expire', { count: 2 });
    const message = await failureOf(directory.userOf(number));
    expect(message).toContain(`the back end at ${stub.url}/users failed`);
    expect(message).toContain('[dev_api] auth_id/auth_key are refused');
    expect(stub.asked()).toEqual(['auth', number, 'auth', number]);
    expect(await directory.userOf(number)).toBe('alice');
  });

  test.each(refusals)('that is answered %d fails, says what to mend, and is not kept', async (status) => {
    let wrong = true;
    const server = await startServer({
      authenticate: (response, request) => (wrong ? answer(status) : signedIn)(response, request),
    });
    const directory = directoryAt(server.url);
    const message = await failureOf(directory.userOf(number));
    expect(message).toContain(`the developer API at ${server.url}/v1/authenticate failed`);
    expect(message).toContain('[dev_api] auth_id/auth_key are refused');
    expect(server.paths()).toEqual(['/v1/authenticate']);
    wrong = false;
    expect(await directory.userOf(number)).toBe('alice');
  });

  test('is what a back end asks for when we have no auth id', async () => {
    const stub = await startStub();
    const message = await failureOf(directoryAt(stub.url, { authId: '' }).userOf(number));
    expect(message).toMatch(/answered 401; set \[dev_api\] auth_id and auth_key/);
    expect(stub.asked()).toEqual([number]);
  });
});

describe('fails with UPSTREAM, without a secret,', () => {
  const tooLarge = `{"user_id":"alice","x":"${'x'.repeat(64 * 1024)}"}`;
  const both: [string, Handler, RegExp][] = [
    ['500', answer(500, 'hunter2'), /answered 500/],
    ['503 that never ends', (response) => void response.writeHead(503).write('x'), /answered 503/],
    ['409', answer(409), /answered 409/],
    ['429', answer(429), /answered 429/],
    ['301 to somewhere else', answer(301, '', { location: 'http://127.0.0.1:1/evil' }), /answered 301/],
    ['307 to itself', answer(307, '', { location: '/users' }), /answered 307/],
    ['a body over 64 KiB', answer(200, tooLarge), /over 65536 bytes/],
    [
      'a body that unpacks to more than 64 KiB',
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(tooLarge)),
      /over 65536 bytes/,
    ],
    ['a connection that is cut before the answer', (response) => void response.destroy(), /ECONNRESET/],
    [
      'a connection that is cut in the middle of the body',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{', () => response.destroy());
      },
      /no usable answer/,
    ],
  ];
  test.each(both)('when the developer API answers %s', async (_case, handler, why) => {
    const server = await startServer({ authenticate: handler });
    const directory = directoryAt(server.url);
    for (const failing of [() => directory.authenticate('dev', key), () => directory.userOf(number)]) {
      const message = await failureOf(failing());
      expect(message).toMatch(why);
      expect(message).toContain(`the developer API at ${server.url}/v1/authenticate failed`);
    }
    expect(server.paths()).toEqual(['/v1/authenticate', '/v1/authenticate']);
  });

  test.each(both)('when the back end answers %s', async (_case, handler, why) => {
    const server = await startServer({ users: handler });
    const directory = directoryAt(server.url);
    for (const _again of [1, 2]) {
      const message = await failureOf(directory.userOf(number));
      expect(message).toMatch(why);
      expect(message).toContain(`the back end at ${server.url}/users failed`);
    }
    // A failure is not kept, and does not end our sign-in.
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
    const server = await startServer({ users: answer(200, body) });
    expect(await failureOf(directoryAt(server.url).userOf(number))).toMatch(why);
  });

  const hanging: [string, Handler][] = [
    ['no answer', () => {}],
    ['an answer whose body never ends', (response) => void response.writeHead(200).write('{')],
  ];
  test.each(hanging)('after the time-out: %s', async (_case, handler) => {
    const slowApi = await startServer({ authenticate: handler });
    const api = directoryAt(slowApi.url, { authTimeoutMs: 100 });
    expect(await failureOf(api.authenticate('dev', key))).toMatch(
      /authenticate failed: no answer within 100 ms/,
    );
    const slowBackend = await startServer({ users: handler });
    const directory = directoryAt(slowBackend.url, { backendTimeoutMs: 100 });
    expect(await failureOf(directory.userOf(number))).toMatch(/users failed: no answer within 100 ms/);
  });

  test('when nobody listens; user and password of the URL are not in the message', async () => {
    const stub = await startStub();
    await stub.close();
    const directory = directoryAt(`${stub.url.replace('//', '//api:api-secret@')}`);
    const message = await failureOf(directory.authenticate('dev', key));
    expect(message).toContain(`${stub.url}/v1/authenticate failed: no usable answer (ECONNREFUSED)`);
  });

  test('when too many different questions are under way', async () => {
    const stub = await startStub();
    stub.setBehaviour('hang');
    const directory = directoryAt(stub.url, { authId: '', backendTimeoutMs: 60_000 });
    const waiting = Array.from({ length: 256 }, (_, index) => failureOf(directory.userOf(String(index))));
    await expect(directory.userOf(number)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'too many questions to the back end are under way; try again',
    });
    await vi.waitFor(() => expect(stub.asked()).toHaveLength(256));
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
