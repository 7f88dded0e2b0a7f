// The stand-in for the user management API, over real sockets.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtInPlatforms, readPlatformsFile, startUsersStub } from '../../src/stubs/users.ts';
import { statusWithoutUserAgent } from './without-user-agent.ts';

async function start(platforms?: readonly Record<string, unknown>[]) {
  const stub = await startUsersStub({
    host: '127.0.0.1',
    port: 0,
    users: new Map([
      ['u1', 'secret'],
      ['u2', 'other'],
      ['ünï/cöde', 'ß'],
    ]),
    ...(platforms && { platforms }),
  });
  onTestFinished(() => stub.close());
  const verify = (userId: string, body: string) =>
    fetch(`${stub.url}/v2/users/${userId}/verify`, { method: 'POST', body });
  const logIn = async (userId: string, password: string) => {
    const response = await verify(userId, JSON.stringify({ password }));
    return response.headers.get('set-cookie')?.split(';')[0] ?? '';
  };
  const platformsOf = (userId: string, cookie = '') =>
    fetch(`${stub.url}/v2/users/${userId}/platforms`, { headers: { cookie } });
  return { ...stub, verify, logIn, platformsOf };
}

/** Logs u2 in `count` times over one socket, faster than `fetch` could. */
function pipeline(url: string, count: number): Promise<void> {
  const body = '{"password":"other"}';
  const head = `POST /v2/users/u2/verify HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nContent-Length: ${body.length}\r\n`;
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write(`${head}\r\n${body}`.repeat(count - 1));
      socket.write(`${head}Connection: close\r\n\r\n${body}`);
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', reject).on('close', () => {
      expect(received.split('HTTP/1.1 200 OK')).toHaveLength(count + 1);
      resolve();
    });
  });
}

describe('verification', () => {
  test('responds with {} and an HttpOnly cookie that is new each time', async () => {
    const stub = await start();
    const response = await stub.verify('u1', '{"password":"secret"}');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({});
    expect(response.headers.get('set-cookie')).toMatch(/^session=[0-9a-f]{32}; Path=\/; HttpOnly/);
    expect(await stub.logIn('u1', 'secret')).not.toBe(await stub.logIn('u1', 'secret'));
  });

  test.each([
    ['a wrong password', 'u1', '{"password":"other"}', 401],
    ['an unknown user', 'nobody', '{"password":"secret"}', 401],
    ['a name of Object', '__proto__', '{"password":"secret"}', 401],
    ['no password', 'u1', '{}', 400],
    ['a password that is not text', 'u1', '{"password":1}', 400],
    ['no object', 'u1', 'null', 400],
    ['no JSON', 'u1', '{"password"', 400],
    ['nothing', 'u1', '', 400],
    ['a path that does not decode', '%ff', '{"password":"secret"}', 400],
    ['a body over 64 KiB', 'u1', JSON.stringify({ password: 'x'.repeat(64 * 1024) }), 413],
  ])('refuses %s, without a cookie', async (_case, userId, body, status) => {
    const stub = await start();
    const response = await stub.verify(userId, body);
    expect(response.status).toBe(status);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  test('reads an encoded user id', async () => {
    const stub = await start();
    expect((await stub.verify(encodeURIComponent('ünï/cöde'), '{"password":"ß"}')).status).toBe(200);
  });

  test('survives a client that disconnects while it sends its body', async () => {
    const stub = await start();
    const { port } = new URL(stub.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write('POST /v2/users/u1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{', () => {
          socket.destroy();
        });
      });
      socket.on('close', () => resolve());
    });
    expect((await stub.verify('u1', '{"password":"secret"}')).status).toBe(200);
  });
});

describe('the platforms', () => {
  test('are the built-in ones for the user who logged in', async () => {
    const stub = await start();
    const response = await stub.platformsOf('u1', await stub.logIn('u1', 'secret'));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ saved_platforms: builtInPlatforms, unsaved_platforms: [] });
  });

  test('are the ones that were given', async () => {
    const stub = await start([{ name: 'x' }]);
    const response = await stub.platformsOf('u1', await stub.logIn('u1', 'secret'));
    expect(await response.json()).toEqual({ saved_platforms: [{ name: 'x' }], unsaved_platforms: [] });
  });

  test('require the cookie of the same user', async () => {
    const stub = await start();
    const cookie = await stub.logIn('u1', 'secret');
    expect((await stub.platformsOf('u2', cookie)).status).toBe(401);
    expect((await stub.platformsOf('u1')).status).toBe(401);
    expect((await stub.platformsOf('u1', `session=${'0'.repeat(32)}`)).status).toBe(401);
    expect((await stub.platformsOf('u1', `a=b; ${cookie}; c=d`)).status).toBe(200);
  });

  test('require the User-Agent of the login, as the real API does', async () => {
    const { url, logIn } = await start();
    const cookie = await logIn('u1', 'secret');
    const response = await fetch(`${url}/v2/users/u1/platforms`, {
      headers: { cookie, 'user-agent': 'other' },
    });
    expect(response.status).toBe(401);
  });

  test('forget the oldest cookies after 10,000 newer ones', async () => {
    const stub = await start();
    const oldest = await stub.logIn('u1', 'secret');
    expect((await stub.platformsOf('u1', oldest)).status).toBe(200);
    await pipeline(stub.url, 10_000);
    expect((await stub.platformsOf('u1', oldest)).status).toBe(401);
    expect((await stub.platformsOf('u1', await stub.logIn('u1', 'secret'))).status).toBe(200);
  });
});

test.each([
  ['verification', 'POST /v2/users/u1/verify', '{"password":"secret"}'],
  ['the platforms', 'GET /v2/users/u1/platforms', ''],
])('%s without a User-Agent is 400', async (_case, route, body) => {
  const { url } = await start();
  expect(await statusWithoutUserAgent(url, route, body)).toBe(400);
});

describe('other paths', () => {
  test.each(builtInPlatforms.map(({ logo, letter }) => [String(logo), String(letter)]))(
    '%s is an SVG with its letter',
    async (logo, letter) => {
      const response = await fetch(`${(await start()).url}${logo}`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('image/svg+xml');
      expect(await response.text()).toMatch(new RegExp(`^<svg .*>${letter}</text></svg>$`));
    },
  );

  test.each([
    ['GET', '/'],
    ['GET', '/logos/none.svg'],
    ['POST', '/logos/gmail.svg'],
    ['GET', '/v2/users/u1/verify'],
    ['POST', '/v2/users/u1/platforms'],
    ['POST', '/v2/users//verify'],
    ['GET', '/v2/users/u1/platforms/x'],
  ])('%s %s is 404', async (method, path) => {
    expect((await fetch(`${(await start()).url}${path}`, { method })).status).toBe(404);
  });
});

describe('listening', () => {
  test('a port in use is UNAVAILABLE, and the error names it', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    onTestFinished(() => new Promise<void>((resolve) => void other.close(() => resolve())));
    await expect(startUsersStub({ host: '127.0.0.1', port, users: new Map() })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test('closes once, with connections open, however often close is called', async () => {
    const stub = await start();
    await (await fetch(stub.url)).text();
    await Promise.all([stub.close(), stub.close()]);
    await stub.close();
    await expect(fetch(stub.url)).rejects.toThrow();
  });
});

describe('the platforms file', () => {
  async function fileWith(content: string) {
    const folder = await mkdtemp(join(tmpdir(), 'swob-stub-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'platforms.json');
    await writeFile(file, content);
    return file;
  }

  test('is a JSON list of objects', async () => {
    expect(await readPlatformsFile(await fileWith('[{"name":"x","n":[1]}]'))).toEqual([
      { name: 'x', n: [1] },
    ]);
    expect(await readPlatformsFile(await fileWith('[]'))).toEqual([]);
  });

  test.each(['', '{', '{}', 'null', '["gmail"]', '[null]', '[[]]'])(
    'is rejected when it contains %j',
    async (content) => {
      const file = await fileWith(content);
      await expect(readPlatformsFile(file)).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringContaining(file),
      });
    },
  );

  test('is rejected when it does not exist', async () => {
    const file = `${await fileWith('[]')}.missing`;
    await expect(readPlatformsFile(file)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(file),
    });
  });
});
