// The stand-in for the developer API and the back end, over real sockets.

import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type DeveloperStubOptions, startDeveloperStub } from '../../src/stubs/developer.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { statusWithoutUserAgent } from './without-user-agent.ts';

const developers = new Map([['dev', 'hunter2']]);
const numbers = new Map([['+237650000001', 'alice']]);

async function start(options: Partial<DeveloperStubOptions> = {}) {
  const stub = await startDeveloperStub({ host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => stub.close());
  const post = (path: string, body: unknown, cookie = '') =>
    fetch(`${stub.url}${path}`, {
      method: 'POST',
      headers: { cookie },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    ...stub,
    post,
    signIn: async (auth_id = 'dev', auth_key = 'hunter2') =>
      (await post('/v1/authenticate', { auth_id, auth_key })).headers.get('set-cookie')?.split(';')[0] ?? '',
    lookUp: (phone_number: unknown, cookie?: string) => post('/users', { phone_number }, cookie),
  };
}

describe('the developer API', () => {
  test('responds to valid credentials with {} and a new cookie', async () => {
    const stub = await start({ developers });
    const response = await stub.post('/v1/authenticate', { auth_id: 'dev', auth_key: 'hunter2' });
    expect([response.status, await response.json()]).toEqual([200, {}]);
    expect(response.headers.get('set-cookie')).toMatch(/^session=[0-9a-f]{32}; Path=\/; HttpOnly/);
    expect(await stub.signIn()).not.toBe(await stub.signIn());
  });

  test.each([
    ['a wrong key', '{"auth_id":"dev","auth_key":"x"}', 401],
    ['an unknown id', '{"auth_id":"x","auth_key":"hunter2"}', 401],
    ['a name of Object', '{"auth_id":"__proto__","auth_key":"hunter2"}', 401],
    ['no key', '{"auth_id":"dev"}', 400],
    ['no id', '{"auth_key":"hunter2"}', 400],
    ['a key that is not text', '{"auth_id":"dev","auth_key":1}', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['no JSON', '{"auth_id"', 400],
    ['nothing', '', 400],
    ['a body over 4 KiB', ' '.repeat(4_097), 413],
  ])('refuses %s, without a cookie', async (_case, body, status) => {
    const stub = await start({ developers });
    const response = await stub.post('/v1/authenticate', body);
    expect(response.status).toBe(status);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  test('accepts any id and key but empty ones when it was given none', async () => {
    const stub = await start();
    const statusOf = async (auth_id: string, auth_key: string) =>
      (await stub.post('/v1/authenticate', { auth_id, auth_key })).status;
    expect([await statusOf('a', 'b'), await statusOf('', 'b'), await statusOf('a', '')]).toEqual([
      200, 401, 401,
    ]);
  });
});

describe('the back end', () => {
  test('knows the given numbers, for clients that signed in', async () => {
    const stub = await start({ developers, numbers });
    const cookie = await stub.signIn();
    const response = await stub.lookUp('+237650000001', cookie);
    expect([response.status, await response.json()]).toEqual([200, { user_id: 'alice' }]);
    const unknown = await stub.lookUp('+237650000002', cookie);
    expect([unknown.status, await unknown.json()]).toEqual([403, { error: 'forbidden' }]);
    for (const wrong of ['', 'session=x', `session=${'0'.repeat(32)}`]) {
      expect((await stub.lookUp('+237650000001', wrong)).status).toBe(401);
    }
  });

  test('requires no sign-in when no developers were given', async () => {
    const stub = await start({ numbers });
    expect(await (await stub.lookUp('+237650000001')).json()).toEqual({ user_id: 'alice' });
  });

  test('maps every number to the user of the same name when no numbers were given', async () => {
    expect(await (await (await start()).lookUp('alice')).json()).toEqual({ user_id: 'alice' });
  });

  test.each([['{}'], ['{"phone_number":237650000001}'], ['x']])('refuses %s with 400', async (body) => {
    expect((await (await start()).post('/users', body)).status).toBe(400);
  });
});

test.each([
  ['POST /v1/authenticate', '{"auth_id":"dev","auth_key":"hunter2"}'],
  ['POST /users', '{"phone_number":"+237650000001"}'],
])('%s without a User-Agent is 400, as at the real systems', async (route, body) => {
  const stub = await start();
  expect(await statusWithoutUserAgent(stub.url, route, body)).toBe(400);
  expect(stub.requests()).toEqual([]);
});

describe('requests', () => {
  test('are recorded without keys and cookies, until they are cleared', async () => {
    const clock = createFakeClock(1_000);
    const stub = await start({ developers, numbers, clock });
    const cookie = await stub.signIn();
    await stub.post('/users?auth_key=hunter2', { phone_number: '+237650000001' }, cookie);
    const expected = [
      { method: 'POST', path: '/v1/authenticate', auth_id: 'dev', at: 1_000 },
      { method: 'POST', path: '/users', phone_number: '+237650000001', at: 1_000 },
    ];
    expect(stub.requests()).toEqual(expected);
    const text = await (await fetch(`${stub.url}/__requests`)).text();
    expect(JSON.parse(text)).toEqual(expected);
    expect(text).not.toMatch(/hunter2|session/);
    const cleared = await fetch(`${stub.url}/__requests`, { method: 'DELETE' });
    expect([await cleared.json(), stub.requests()]).toEqual([[], []]);
  });
});

describe('behaviour', () => {
  test('refuse is 500, for the next requests or for all', async () => {
    const stub = await start();
    const statuses = async (count: number) => {
      const seen: number[] = [];
      for (let index = 0; index < count; index += 1) seen.push((await stub.lookUp('a')).status);
      return seen;
    };
    const changed = await stub.post('/__behaviour', { mode: 'refuse', count: 2 });
    expect(await changed.json()).toEqual({ mode: 'refuse', count: 2 });
    expect(await statuses(3)).toEqual([500, 500, 200]);
    stub.setMode('refuse');
    expect(await statuses(2)).toEqual([500, 500]);
    expect(await stub.signIn()).toBe('');
  });

  test('hang sends nothing, and closing ends it', async () => {
    const stub = await start();
    stub.setMode('hang');
    const response = stub.lookUp('a').then(
      () => 'answered',
      () => 'cut off',
    );
    await vi.waitFor(() => expect(stub.requests()).toHaveLength(1));
    await stub.close();
    expect(await response).toBe('cut off');
  });

  test('expire forgets every sign-in, once', async () => {
    const stub = await start({ developers, numbers });
    const cookie = await stub.signIn();
    await stub.post('/__behaviour', { mode: 'expire' });
    expect((await stub.lookUp('+237650000001', cookie)).status).toBe(401);
    expect((await stub.lookUp('+237650000001', cookie)).status).toBe(401);
    expect((await stub.lookUp('+237650000001', await stub.signIn())).status).toBe(200);
  });

  test('expire applies to a number of calls to the back end, new sign-ins or not, until it is normal again', async () => {
    const stub = await start({ developers, numbers });
    stub.setMode('expire', { count: 2 });
    const statuses: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      statuses.push((await stub.lookUp('+237650000001', await stub.signIn())).status);
    }
    expect(statuses).toEqual([401, 401, 200]);
    stub.setMode('expire', { count: 2 });
    stub.setMode('normal');
    expect((await stub.lookUp('+237650000001', await stub.signIn())).status).toBe(200);
  });

  test.each([
    ['', 'not JSON'],
    ['{"mode":"odd"}', 'mode: expected one of normal, refuse, hang, expire'],
    ['{"mode":"refuse","count":0}', 'count: expected a whole number from 1'],
    ['{"mode":"expire","count":0.5}', 'count: expected a whole number from 1'],
    ['{"mode":"expire","count":"1"}', 'count: expected a number'],
  ])('stays as it is when the wish is %j', async (body, reason) => {
    const stub = await start();
    const response = await stub.post('/__behaviour', body);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining(reason) },
    ]);
    expect((await stub.lookUp('a')).status).toBe(200);
  });
});

test.each([
  ['GET', '/v1/authenticate'],
  ['GET', '/users'],
  ['POST', '/users/'],
  ['POST', '/'],
  ['PUT', '/__requests'],
  ['GET', '/__proto__'],
])('%s %s is 404', async (method, path) => {
  expect((await fetch(`${(await start()).url}${path}`, { method })).status).toBe(404);
});

test('survives a client that disconnects while it sends its body', async () => {
  const stub = await start();
  await new Promise<void>((resolve) => {
    const socket = connect(Number(new URL(stub.url).port), '127.0.0.1', () => {
      socket.write('POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{', () => socket.destroy());
    });
    socket.on('close', () => resolve());
  });
  expect((await stub.lookUp('a')).status).toBe(200);
});

test('a port in use is UNAVAILABLE, and the error names it', async () => {
  const { host, port } = new URL((await start()).url);
  await expect(startDeveloperStub({ host: '127.0.0.1', port: Number(port) })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(`cannot listen on ${host}: `),
  });
});
