// The users of numbers and the credentials of developers, as the client of the developer API and the back end sees them.

import { describe, expect, test } from 'vitest';
import { respondWith } from './hostile-server.ts';
import { directoryAt, key, number, refusals, startServer, startStub } from './user-directory-client.ts';

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

  test.each(refusals)('are wrong when the status is %d', async (status) => {
    const server = await startServer({ authenticate: respondWith(status, 'no') });
    expect(await directoryAt(server.url).authenticate('dev', key)).toBe(false);
  });

  test('that are right are checked once a minute', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    for (const ms of [0, 59_999]) {
      directory.clock.advance(ms);
      expect(await directory.authenticate('dev', key)).toBe(true);
    }
    expect(stub.received()).toHaveLength(1);
    directory.clock.advance(1);
    expect(await directory.authenticate('dev', key)).toBe(true);
    expect(stub.received()).toHaveLength(2);
  });

  test('that are cached admit no other key or id', async () => {
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

  test('that were wrong are checked again', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    await directory.authenticate('dev', 'wrong');
    await directory.authenticate('dev', 'wrong');
    expect(stub.received()).toHaveLength(2);
  });

  test('are checked once for concurrent requests', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    const checks = Array.from({ length: 20 }, () => directory.authenticate('dev', key));
    expect(await Promise.all(checks)).toEqual(Array.from({ length: 20 }, () => true));
    expect(stub.received()).toHaveLength(1);
  });
});

describe('the user of a number', () => {
  test('is who the back end says, requested with the cookie of our sign-in', async () => {
    const server = await startServer({});
    expect(await directoryAt(server.url).userOf(number)).toBe('alice');
    const [signIn, lookup] = server.requests;
    expect([signIn?.path, JSON.parse(signIn?.body ?? '')]).toEqual([
      '/v1/authenticate',
      { auth_id: 'ours', auth_key: 'our-secret' },
    ]);
    expect([lookup?.method, lookup?.path, JSON.parse(lookup?.body ?? '')]).toEqual([
      'POST',
      '/users',
      { phone_number: number },
    ]);
    expect(lookup?.headers.cookie).toBe('session=chocolate');
    expect(lookup?.headers['content-type']).toBe('application/json');
  });

  test('is requested without a sign-in when no auth id is set', async () => {
    const server = await startServer({});
    expect(await directoryAt(server.url, { authId: '', authKey: '' }).userOf(number)).toBe('alice');
    expect(server.paths()).toEqual(['/users']);
    expect(server.requests[0]?.headers.cookie).toBeUndefined();
  });

  test('is undefined when the number is unknown', async () => {
    const { url } = await startStub();
    expect(await directoryAt(url).userOf('+237650000002')).toBeUndefined();
  });

  test.each([
    [400, 'bad request'],
    [403, 'forbidden'],
    [404, 'not found'],
    [422, 'unprocessable entity'],
    [200, '[]'],
  ])('is undefined when the back end answers %d %s', async (status, body) => {
    const server = await startServer({ users: respondWith(status, body) });
    expect(await directoryAt(server.url).userOf(number)).toBeUndefined();
    expect(await directoryAt(server.url, { authId: '', authKey: '' }).userOf(number)).toBeUndefined();
    expect(server.paths()).toEqual(['/v1/authenticate', '/users', '/users']);
  });

  test.each(['a', 'A-Za_z.0+9', '...', 'x'.repeat(128)])('may be %s', async (user) => {
    const server = await startServer({ users: respondWith(201, JSON.stringify({ user_id: user, more: 1 })) });
    expect(await directoryAt(server.url).userOf(number)).toBe(user);
  });

  test('is cached for its time, and an unknown number for half a minute at most', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 40_000 });
    const lookUpBoth = async () => [await directory.userOf(number), await directory.userOf('2')];
    expect(await lookUpBoth()).toEqual(['alice', undefined]);
    directory.clock.advance(29_999);
    expect(await lookUpBoth()).toEqual(['alice', undefined]);
    expect(stub.received()).toEqual(['auth', number, '2']);
    directory.clock.advance(1);
    await lookUpBoth();
    expect(stub.received()).toEqual(['auth', number, '2', '2']);
    directory.clock.advance(10_000);
    await lookUpBoth();
    expect(stub.received()).toEqual(['auth', number, '2', '2', number]);
  });

  test('is not cached as unknown for longer than a known user', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 5_000 });
    await directory.userOf('2');
    directory.clock.advance(5_000);
    await directory.userOf('2');
    expect(stub.received()).toEqual(['auth', '2', '2']);
  });

  test('is requested each time when the cache time is 0', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url, { cacheTtlMs: 0 });
    for (const msisdn of [number, number, '2', '2']) await directory.userOf(msisdn);
    expect(stub.received()).toEqual(['auth', number, number, '2', '2']);
  });

  test('is requested once for concurrent lookups, which share one sign-in', async () => {
    const stub = await startStub();
    const directory = directoryAt(stub.url);
    const lookups = [number, number, '2', number, '3'].map((msisdn) => directory.userOf(msisdn));
    expect(await Promise.all(lookups)).toEqual(['alice', 'alice', undefined, 'alice', undefined]);
    expect(stub.received().toSorted()).toEqual([number, '2', '3', 'auth']);
  });
});
