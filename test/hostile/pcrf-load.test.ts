// More calls than the PCRF takes, requests that want nothing done, and what every answer and every log owes,
// through the running disconnect service (HOSTILE.md P10–P13).

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { hs256, other, rs256, sampleClaims } from '../crypto/handmade-token.ts';
import {
  ask,
  type DisconnectWorld,
  expectFailure,
  expectService,
  failure,
  goodToken,
  secretsOf,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { type Answer, get, post } from '../support/phone.ts';
import { exchange, request } from './raw.ts';

const busy = 'all 1 PCRF connections are busy; try again in a moment';

test('P10 a call that waits too long for a connection is 503, and one that waits for an answer 504', async () => {
  const world = await startDisconnect({ set: ['pcrf.pool.min=0', 'pcrf.pool.max=1'] });
  const { clock, pcrf } = world;
  pcrf.setBehaviour('hang', { count: 1 });
  const quiet = clock.pending;
  const first = ask(world, goodToken);
  await vi.waitFor(() => expect(world.calls()).toBe(1));
  const second = ask(world, tokenWith({ sessionId: '2' }));
  // Both calls, and the look at handlers that are late.
  await vi.waitFor(() => expect(clock.pending).toBe(quiet + 3));
  clock.advance(5_000);
  expectFailure(await second, 503, busy);
  clock.advance(5_000);
  expectFailure(await first, 504, `${world.pcrfName} did not answer within 10000 ms`);
  expect(world.calls()).toBe(1);
  await expectService(world);
});

describe('P11 the same token 1,000 times at once', () => {
  /** Resolves once every request has come to the handler, to what they will all answer. */
  async function callAll({ url }: DisconnectWorld): Promise<{ answers: Promise<string[]> }> {
    const calls = Array.from({ length: 1_000 }, () => {
      // The 100 is how a client can tell that its request is being handled.
      const headers = { expect: '100-continue' };
      return httpRequest(`${url}/disconnect?token=${goodToken}`, { agent: false, headers });
    });
    const answers = Promise.all(
      calls.map(async (call) => {
        const [response] = await once(call, 'response');
        let text = '';
        for await (const chunk of response) text += chunk;
        return `${response.statusCode} ${text}`;
      }),
    );
    const handled = Promise.all(calls.map((call) => once(call, 'continue')));
    for (const call of calls) call.end();
    // Both, so that of a thousand that fail the first is told.
    await Promise.race([handled, answers]);
    return { answers };
  }

  test('is one call, and all get its answer', async () => {
    const world = await startDisconnect();
    world.pcrf.setBehaviour('slow', { ms: 2_000 });
    const { answers } = await callAll(world);
    await vi.waitFor(() => expect(world.calls()).toBe(1));
    world.clock.advance(2_000);
    expect(new Set(await answers)).toEqual(new Set([`200 ${success}`]));
    expect(world.calls()).toBe(1);
  });

  test('is one call when it fails too, and the next is another', async () => {
    const world = await startDisconnect();
    world.pcrf.setBehaviour('hang', { count: 1 });
    const { answers } = await callAll(world);
    await vi.waitFor(() => expect(world.calls()).toBe(1));
    world.clock.advance(10_000);
    const fail = `${world.pcrfName} did not answer within 10000 ms`;
    expect(new Set(await answers)).toEqual(new Set([`504 ${failure(fail)}`]));
    expect(world.calls()).toBe(1);
    await expectService(world);
  });
});

describe('P12', () => {
  test('HEAD, OPTIONS, other methods and prefetches log nobody out', async () => {
    const world = await startDisconnect();
    const url = `${world.url}/disconnect?token=${goodToken}`;
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await get(url, { method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, POST']);
      expect(answer.text).toBe(method === 'HEAD' ? '' : failure('only GET and POST disconnect'));
    }
    const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    const { status, headers } = await get(url, { method: 'OPTIONS', headers: preflight });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([405, null]);
    for (const header of [
      'Sec-Purpose: prefetch',
      'Sec-Purpose: prefetch;prerender',
      'Purpose: prefetch',
      'X-Purpose: preview',
      'X-Moz: prefetch',
    ]) {
      const answer = await exchange(world.url, request('GET', `/disconnect?token=${goodToken}`, [header]));
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).toContain(failure('a prefetch logs nobody out'));
    }
    expect(world.calls()).toBe(0);
    await expectService(world);
  });

  /** A request for each status that there is, with what it answers. */
  async function everyAnswer(set: readonly string[] = []): Promise<[number, Answer][]> {
    const world = await startDisconnect({
      set: ['pcrf.pool.min=0', 'pcrf.pool.max=1', 'limits.disconnects=6/1m', ...set],
    });
    const url = `${world.url}/disconnect`;
    const { pcrf, clock } = world;
    const quiet = clock.pending;
    const answers: [number, Answer][] = [
      [200, await ask(world, goodToken)],
      [400, await get(url)],
      [400, await get(`${world.url}/%zz?token=${goodToken}`)],
      [401, await ask(world, 'a.b.c')],
      [403, await ask(world, goodToken, { headers: { purpose: 'prefetch' } })],
      [404, await get(`${world.url}/?token=${goodToken}`)],
      [405, await ask(world, goodToken, { method: 'DELETE' })],
      [413, await post(url, 'x'.repeat(20_000))],
      [415, await post(url, '<a/>', { 'content-type': 'text/xml' })],
    ];
    pcrf.setBehaviour('refuse', { count: 1 });
    answers.push([502, await ask(world, goodToken)]);
    pcrf.setBehaviour('hang', { count: 1 });
    const hanging = ask(world, goodToken);
    await vi.waitFor(() => expect(world.calls()).toBe(3));
    const waiting = ask(world, tokenWith({ sessionId: '2' }));
    // Both calls, and the look at handlers that are late.
    await vi.waitFor(() => expect(clock.pending).toBe(quiet + 3));
    clock.advance(5_000);
    answers.push([503, await waiting]);
    clock.advance(5_000);
    answers.push([504, await hanging]);
    await ask(world, goodToken);
    answers.push([429, await ask(world, goodToken)]);
    return answers;
  }

  test('every answer says no-store, no-referrer and nosniff', async () => {
    for (const [status, answer] of await everyAnswer()) {
      const headers = ['cache-control', 'referrer-policy', 'x-content-type-options', 'content-type'];
      expect([status, answer.status, ...headers.map((name) => answer.headers.get(name))]).toEqual([
        status,
        status,
        'no-store',
        'no-referrer',
        'nosniff',
        'application/json; charset=utf-8',
      ]);
      const { success: ok, ...rest }: { success: boolean; fail?: string } = JSON.parse(answer.text);
      expect([ok, Object.keys(rest)]).toEqual(status === 200 ? [true, []] : [false, ['fail']]);
    }
  });

  test('with legacy_status every answer is 200 with the same body', async () => {
    const usual = await everyAnswer();
    const legacy = await everyAnswer(['disconnect.legacy_status=true']);
    const portless = ([, { text }]: [number, Answer]) => text.replace(/127\.0\.0\.1:\d+/, 'PCRF');
    expect(legacy.map(portless)).toEqual(usual.map(portless));
    expect(new Set(legacy.map(([, { status }]) => status))).toEqual(new Set([200]));
  });
});

test('calls from an address are limited, refused tokens too, and the answer says until when', async () => {
  const world = await startDisconnect({ set: ['limits.disconnects=3/1m'] });
  await expectService(world);
  for (const token of ['a.b.c', '.']) expect((await ask(world, token)).status).toBe(401);
  const limited = await ask(world, goodToken);
  expectFailure(limited, 429, `too many disconnects, try again in ${limited.headers.get('retry-after')} s`);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(world.calls()).toBe(1);
  world.clock.advance(60_000);
  await expectService(world);
});

test('P13 no token, and no part of one, is in the log, an answer, or what the PCRF is asked', async () => {
  const world = await startDisconnect({ set: ['disconnect.nas_allow=100.112.0.0/16'] });
  const url = `${world.url}/disconnect`;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const tokens = [
    goodToken,
    rs256(sampleClaims, { alg: 'RS256', kid: 'another-key' }, other.privateKey),
    hs256({ ...sampleClaims, sub: 'hs256' }, 'a secret of at least thirty-two bytes'),
    tokenWith({ exp: 1 }),
    tokenWith({ nasIp: '10.0.0.1' }),
    tokenWith({ padding: 'x'.repeat(9_000) }),
    `${tokenWith({ sub: 'cut off' })}=`,
  ];
  const answers: string[] = [];
  for (const mode of ['normal', 'refuse', 'redirect', 'close', 'garbage', 'endless'] as const) {
    world.pcrf.setBehaviour(mode);
    for (const token of tokens) {
      const sent = [
        ask(world, token),
        ask(world, token, { method: 'DELETE' }),
        ask(world, token, { headers: { purpose: 'prefetch' } }),
        get(`${url}?token=${token}&token=${token}`),
        get(`${world.url}/%zz?token=${token}`),
        get(`${world.url}/${token}`),
        post(url, { token }),
        post(url, `{"token":"${token}"`),
        post(url, `token=${token}`, form),
        post(url, token, { 'content-type': token.slice(0, 200) }),
        get(url, { headers: { authorization: `Bearer ${token}` } }),
        exchange(world.url, request('GET', `/disconnect?token=${token}\u0001`)),
        exchange(world.url, `GET /disconnect?token=${token} HTTP/9.9\r\n\r\n`),
      ];
      for (const answer of await Promise.all(sent)) answers.push(inspect(answer, { depth: null }));
    }
  }
  await world.pcrf.close();
  await ask(world, goodToken);
  await world.stop();
  const asked = inspect(world.pcrf.requests(), { depth: null, maxArrayLength: null });
  const log = inspect(world.log.lines, { depth: null, maxArrayLength: null, maxStringLength: null });
  expect(log).toContain("message: 'not logged out'");
  for (const part of new Set(tokens.flatMap(secretsOf))) {
    // Booleans, because a failure would print the texts.
    expect([log, asked, answers.join('\n')].map((text) => text.includes(part))).toEqual([
      false,
      false,
      false,
    ]);
  }
});
