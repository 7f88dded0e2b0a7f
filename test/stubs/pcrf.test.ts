// The PCRF stand-in: what it records, and how it simulates failures.

import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WifiSession } from '../../src/domain/wifi/model.ts';
import { type PcrfStubOptions, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const one: WifiSession = { sessionId: '1', nasIp: '100.112.0.1', vrf: '1', clientMac: 'FC-45-96-5F-50-AC' };
const two: WifiSession = { ...one, sessionId: '2', clientMac: 'FC-45-96-5F-50-AD' };

async function start(options: Partial<PcrfStubOptions> = {}) {
  const stub = await startPcrfStub({ host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => stub.close());
  const path = (id: string) => `${stub.url}/account/disconnect?session=${id}&nas_ip=100.112.0.1`;
  return {
    ...stub,
    path,
    call: (id: string) => fetch(path(id), { redirect: 'manual' }),
    json: async (route: string, init: RequestInit = {}): Promise<unknown> =>
      (await fetch(`${stub.url}${route}`, init)).json(),
    setBehaviour: (body: string) => fetch(`${stub.url}/__behaviour`, { method: 'POST', body }),
  };
}

describe('sessions', () => {
  test('are removed once they are disconnected', async () => {
    const stub = await start({ sessions: [one, two] });
    expect(await stub.json('/__sessions')).toEqual([one, two]);
    const response = await stub.call('1');
    expect([response.status, await response.json()]).toEqual([200, { success: true }]);
    expect(await stub.json('/__sessions')).toEqual([two]);
    const again = await stub.call('1');
    expect([again.status, await again.json()]).toEqual([
      200,
      { success: false, fail: 'session 1 not found' },
    ]);
  });

  test('are optional: without them every request succeeds', async () => {
    const stub = await start();
    for (const id of ['1', '1']) expect(await (await stub.call(id)).json()).toEqual({ success: true });
  });

  test('are found until they end, also where every session exists', async () => {
    for (const sessions of [[one, two], []]) {
      const stub = await start({ sessions });
      const find = async (id: string) => (await fetch(`${stub.url}/account/session?session=${id}`)).status;
      stub.setMode('ignore', { count: 1 });
      expect(await (await stub.call('1')).json()).toEqual({ success: true });
      expect(await find('1')).toBe(200);
      await stub.call('1');
      expect([await find('1'), await find('2')]).toEqual([404, 200]);
    }
  });

  test('are not found when all are gone', async () => {
    const stub = await start({ sessions: [one] });
    await stub.call('1');
    expect(await (await stub.call('2')).json()).toMatchObject({ success: false });
  });
});

describe('requests', () => {
  test('are recorded unchanged, with their parameters and time', async () => {
    const clock = createFakeClock(1_000);
    const stub = await start({ clock });
    const query = '?session=%26x&session=2&vrf=a%20b';
    await fetch(`${stub.url}/account/disconnect${query}`);
    await fetch(`${stub.url}/elsewhere`, { method: 'PUT' });
    const expected = [
      {
        method: 'GET',
        url: `/account/disconnect${query}`,
        query: [
          ['session', '&x'],
          ['session', '2'],
          ['vrf', 'a b'],
        ],
        at: 1_000,
      },
      { method: 'PUT', url: '/elsewhere', query: [], at: 1_000 },
    ];
    expect(stub.requests()).toEqual(expected);
    expect(await stub.json('/__requests')).toEqual(expected);
    expect(await stub.json('/__requests', { method: 'DELETE' })).toEqual([]);
    expect(stub.requests()).toEqual([]);
  });

  test('are the last 10,000', async () => {
    const stub = await start();
    await pipelined(stub.url, 10_001);
    expect(stub.requests()).toHaveLength(10_000);
    expect(stub.requests()[0]?.url).toBe('/account/disconnect?session=1');
    expect(stub.requests().at(-1)?.url).toBe('/account/disconnect?session=10000');
  });
});

/** Sends `count` requests over one connection and resolves after the last response. */
function pipelined(url: string, count: number): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname).on('error', reject);
    let text = '';
    let responses = 0;
    socket.setEncoding('latin1').on('data', (part) => {
      text += String(part);
      const parts = text.split('{"success":true}');
      text = parts.pop() ?? '';
      responses += parts.length;
      if (responses < count) return;
      socket.destroy();
      resolve();
    });
    for (let index = 0; index < count; index += 1) {
      socket.write(`GET /account/disconnect?session=${index} HTTP/1.1\r\nHost: x\r\n\r\n`);
    }
  });
}

describe('behaviour', () => {
  test('changes for the next requests, or for all', async () => {
    const stub = await start({ mode: 'refuse' });
    const statuses = async (count: number) => {
      const seen: number[] = [];
      for (let index = 0; index < count; index += 1) seen.push((await stub.call('1')).status);
      return seen;
    };
    expect(await statuses(2)).toEqual([500, 500]);
    const changed = await stub.setBehaviour('{"mode":"redirect","count":2}');
    expect([changed.status, await changed.json()]).toEqual([200, { mode: 'redirect', count: 2 }]);
    expect(await statuses(3)).toEqual([302, 302, 500]);
    await stub.setBehaviour('{"mode":"normal"}');
    expect(await statuses(2)).toEqual([200, 200]);
    stub.setMode('refuse', { count: 5 });
    stub.setMode('normal');
    expect(await statuses(1)).toEqual([200]);
  });

  test.each([
    ['', 'not JSON'],
    ['null', 'not a JSON object'],
    ['{}', 'mode: expected one of normal, slow'],
    ['{"mode":"odd"}', 'mode: expected one of'],
    ['{"mode":"slow","ms":"5"}', 'ms: expected a number'],
    ['{"mode":"slow","ms":-1}', 'ms: expected a number from 0 to 3600000'],
    ['{"mode":"slow","ms":3600001}', 'ms: expected a number from 0 to 3600000'],
    ['{"mode":"hang","count":0}', 'count: expected a whole number from 1'],
    ['{"mode":"hang","count":1.5}', 'count: expected a whole number from 1'],
  ])('is refused and stays when the body is %j', async (body, reason) => {
    const stub = await start();
    const response = await stub.setBehaviour(body);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining(reason) },
    ]);
    expect((await stub.call('1')).status).toBe(200);
  });

  test('is refused with 413 when the body is over 64 KiB', async () => {
    expect((await (await start()).setBehaviour(' '.repeat(65_537))).status).toBe(413);
  });

  test.each(['refuse', 'redirect', 'garbage', 'close', 'endless', 'gzip-bomb'] as const)(
    'mode %s disconnects no session',
    async (mode) => {
      const stub = await start({ sessions: [one], mode });
      await stub.call('1').then(
        (response) => response.body?.cancel(),
        () => undefined,
      );
      expect(await stub.json('/__sessions')).toEqual([one]);
    },
  );

  test.each([
    ['refuse', 500, 'application/json', '{"error":"the PCRF stub was told to refuse"}'],
    ['garbage', 200, 'text/html', '<!doctype html><title>Welcome</title><p>It works!'],
    ['redirect', 302, null, ''],
  ] as const)('mode %s answers %d', async (mode, status, type, body) => {
    const response = await (await start({ mode })).call('1');
    expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
    expect(await response.text()).toBe(body);
  });

  test('mode slow responds after its delay', async () => {
    const clock = createFakeClock();
    const stub = await start({ clock, mode: 'slow', ms: 500, sessions: [one] });
    const response = stub.call('1');
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(499);
    expect(await stub.json('/__sessions')).toEqual([one]);
    clock.advance(1);
    expect(await (await response).json()).toEqual({ success: true });
    expect(await stub.json('/__sessions')).toEqual([]);
  });

  test('mode drip sends the response byte by byte, one a second', async () => {
    const clock = createFakeClock();
    const stub = await start({ clock, mode: 'drip' });
    const response = await stub.call('1');
    const reader = response.body?.getReader();
    for (const character of '{"success":true}') {
      clock.advance(1_000);
      const { value } = (await reader?.read()) ?? {};
      expect(Buffer.from(value ?? []).toString()).toBe(character);
    }
    expect((await reader?.read())?.done).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('mode close ends the connection after the start of the response', async () => {
    const response = await (await start({ mode: 'close' })).call('1');
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test('mode endless sends more than any client should read', async () => {
    const response = await (await start({ mode: 'endless' })).call('1');
    let length = 0;
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > 10_000_000) break;
    }
    expect(length).toBeGreaterThan(10_000_000);
  });

  test('mode gzip-bomb is small until it is unpacked', async () => {
    const stub = await start({ mode: 'gzip-bomb' });
    const raw = await rawAnswer(stub.path('1'));
    const body = raw.subarray(raw.indexOf('\r\n\r\n') + 4);
    expect(raw.toString('latin1')).toMatch(/content-encoding: gzip/i);
    expect(body.length).toBeLessThan(64 * 1024);
    expect(gunzipSync(body).length).toBe(32 * 1024 * 1024);
  });

  test('mode hang sends nothing, and closing ends it', async () => {
    const stub = await start({ mode: 'hang' });
    const raw = rawAnswer(stub.path('1'));
    await vi.waitFor(() => expect(stub.requests()).toHaveLength(1));
    await stub.close();
    expect((await raw).length).toBe(0);
  });
});

/** All data until the connection ends, requested with HTTP/1.0. */
function rawAnswer(url: string): Promise<Buffer> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    connect(Number(port), hostname)
      .on('data', (part: Buffer) => parts.push(part))
      .on('error', () => undefined)
      .on('close', () => resolve(Buffer.concat(parts)))
      .write(`GET ${pathname}${search} HTTP/1.0\r\n\r\n`);
  });
}

describe('other routes', () => {
  test.each([
    ['GET', '/'],
    ['POST', '/account/disconnect?session=1'],
    ['GET', '/account/disconnect/'],
    ['PUT', '/__requests'],
    ['GET', '/__behaviour'],
    ['GET', '/__other'],
  ])('%s %s is 404', async (method, path) => {
    expect((await fetch(`${(await start()).url}${path}`, { method })).status).toBe(404);
  });
});

test('requests with very long URLs are kept up to a number of bytes', async () => {
  const stub = await start();
  const call = async () => (await stub.call('1'.repeat(15_000))).arrayBuffer();
  for (let sent = 0; sent < 600; sent += 50) await Promise.all(Array.from({ length: 50 }, call));
  // 16,000,000 characters, of URLs with 15,047 and of what is decoded from them.
  expect(stub.requests()).toHaveLength(531);
});

describe('listening', () => {
  test('a port in use is UNAVAILABLE, and the error names it', async () => {
    const { host, port } = new URL((await start()).url);
    await expect(startPcrfStub({ host: '127.0.0.1', port: Number(port) })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`cannot listen on ${host}: `),
    });
  });

  test('after close, which may be called twice, connections are refused', async () => {
    const stub = await start();
    await (await stub.call('1')).text();
    await Promise.all([stub.close(), stub.close()]);
    await expect(stub.call('1')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test.each([-1, 3_600_001, Number.NaN])('refuses to start with ms %d', async (ms) => {
    await expect(start({ mode: 'slow', ms })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
