// More calls than the PCRF accepts, requests that must end no session, and what every response and log must hold,
// with the running disconnect service (docs/protocol.md, P10–P13).

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { hs256, other, rs256, sampleClaims } from '../crypto/token-builder.ts';
import {
  type DisconnectService,
  expectFailure,
  expectService,
  failure,
  goodToken,
  requestDisconnect,
  secretsOf,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { get, post, type TextResponse } from '../support/phone.ts';
import { exchange, request } from './raw.ts';

const busy = 'all 1 PCRF connections are busy; try again in a moment';

test('P10 a call that waits too long for a connection gets 503, one that waits too long for a response 504', async () => {
  const service = await startDisconnect({ set: ['pcrf.pool.min=0', 'pcrf.pool.max=1'] });
  const { clock, pcrf } = service;
  pcrf.setMode('hang', { count: 1 });
  const quiet = clock.pending;
  const first = requestDisconnect(service, goodToken);
  await vi.waitFor(() => expect(service.calls()).toBe(1));
  const second = requestDisconnect(service, tokenWith({ sessionId: '2' }));
  // The timers of both calls, and that of the handler timeout.
  await vi.waitFor(() => expect(clock.pending).toBe(quiet + 3));
  clock.advance(5_000);
  expectFailure(await second, 503, busy, 'BUSY');
  clock.advance(5_000);
  expectFailure(await first, 504, `${service.pcrfName} did not answer within 10000 ms`);
  expect(service.calls()).toBe(1);
  await expectService(service);
});

describe('P11 1,000 concurrent requests with the same token', () => {
  /** Resolves when every request has reached the handler, with a promise of all responses. */
  async function callAll({ url }: DisconnectService): Promise<{ responses: Promise<string[]> }> {
    const calls = Array.from({ length: 1_000 }, () => {
      // A client knows from the 100 that its request is being handled.
      const headers = { expect: '100-continue' };
      return httpRequest(`${url}/disconnect?token=${goodToken}`, { agent: false, headers });
    });
    const responses = Promise.all(
      calls.map(async (call) => {
        const [response] = await once(call, 'response');
        let text = '';
        for await (const chunk of response) text += chunk;
        return `${response.statusCode} ${text}`;
      }),
    );
    const handled = Promise.all(calls.map((call) => once(call, 'continue')));
    for (const call of calls) call.end();
    // Also races the responses, so that the first request that fails is reported.
    await Promise.race([handled, responses]);
    return { responses };
  }

  test('cause one call, and all get its response', async () => {
    const service = await startDisconnect();
    service.pcrf.setMode('slow', { ms: 2_000 });
    const { responses } = await callAll(service);
    await vi.waitFor(() => expect(service.calls()).toBe(1));
    service.clock.advance(2_000);
    expect(new Set(await responses)).toEqual(new Set([`200 ${success}`]));
    expect(service.calls()).toBe(1);
  });

  test('cause one call that fails for all, and the next request causes another', async () => {
    const service = await startDisconnect();
    service.pcrf.setMode('hang', { count: 1 });
    const { responses } = await callAll(service);
    await vi.waitFor(() => expect(service.calls()).toBe(1));
    service.clock.advance(10_000);
    const fail = `${service.pcrfName} did not answer within 10000 ms`;
    expect(new Set(await responses)).toEqual(new Set([`504 ${failure(504, fail)}`]));
    expect(service.calls()).toBe(1);
    await expectService(service);
  });
});

describe('P12', () => {
  test('HEAD, OPTIONS, other methods and prefetches log no user out', async () => {
    const service = await startDisconnect();
    const url = `${service.url}/disconnect?token=${goodToken}`;
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']) {
      const response = await get(url, { method });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'GET, POST']);
      expect(response.text).toBe(method === 'HEAD' ? '' : failure(405, 'only GET and POST disconnect'));
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
      const response = await exchange(
        service.url,
        request('GET', `/disconnect?token=${goodToken}`, [header]),
      );
      expect(response).toMatch(/^HTTP\/1\.1 403 /);
      expect(response).toContain(failure(403, 'a prefetch disconnects no user'));
    }
    expect(service.calls()).toBe(0);
    await expectService(service);
  });

  /** One request for each possible status, with its response. */
  async function everyAnswer(set: readonly string[] = []): Promise<[number, TextResponse][]> {
    const service = await startDisconnect({
      set: ['pcrf.pool.min=0', 'pcrf.pool.max=1', 'limits.disconnects=6/1m', ...set],
    });
    const url = `${service.url}/disconnect`;
    const { pcrf, clock } = service;
    const quiet = clock.pending;
    const responses: [number, TextResponse][] = [
      [200, await requestDisconnect(service, goodToken)],
      [400, await get(url)],
      [400, await get(`${service.url}/%zz?token=${goodToken}`)],
      [401, await requestDisconnect(service, 'a.b.c')],
      [403, await requestDisconnect(service, goodToken, { headers: { purpose: 'prefetch' } })],
      [404, await get(`${service.url}/nowhere?token=${goodToken}`)],
      [405, await requestDisconnect(service, goodToken, { method: 'DELETE' })],
      [413, await post(url, 'x'.repeat(20_000))],
      [415, await post(url, '<a/>', { 'content-type': 'text/xml' })],
    ];
    pcrf.setMode('refuse', { count: 1 });
    responses.push([502, await requestDisconnect(service, goodToken)]);
    pcrf.setMode('hang', { count: 1 });
    const hanging = requestDisconnect(service, goodToken);
    await vi.waitFor(() => expect(service.calls()).toBe(3));
    const waiting = requestDisconnect(service, tokenWith({ sessionId: '2' }));
    // The timers of both calls, and that of the handler timeout.
    await vi.waitFor(() => expect(clock.pending).toBe(quiet + 3));
    clock.advance(5_000);
    responses.push([503, await waiting]);
    clock.advance(5_000);
    responses.push([504, await hanging]);
    await requestDisconnect(service, goodToken);
    responses.push([429, await requestDisconnect(service, goodToken)]);
    return responses;
  }

  test('every response has no-store, no-referrer and nosniff', async () => {
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
      expect([ok, Object.keys(rest)]).toEqual(status === 200 ? [true, []] : [false, ['fail', 'code']]);
    }
  });

  test('with legacy_status every response is 200 with the same body', async () => {
    const usual = await everyAnswer();
    const legacy = await everyAnswer(['disconnect.legacy_status=true']);
    const portless = ([, { text }]: [number, TextResponse]) => text.replace(/127\.0\.0\.1:\d+/, 'PCRF');
    expect(legacy.map(portless)).toEqual(usual.map(portless));
    expect(new Set(legacy.map(([, { status }]) => status))).toEqual(new Set([200]));
  });
});

test('calls from one address are rate-limited, rejected tokens included; the response says for how long', async () => {
  const service = await startDisconnect({ set: ['limits.disconnects=3/1m'] });
  await expectService(service);
  for (const token of ['a.b.c', '.']) expect((await requestDisconnect(service, token)).status).toBe(401);
  const limited = await requestDisconnect(service, goodToken);
  expectFailure(limited, 429, `too many disconnects, try again in ${limited.headers.get('retry-after')} s`);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(service.calls()).toBe(1);
  service.clock.advance(60_000);
  await expectService(service);
});

test('P13 no token, nor any part of one, appears in the log, in a response or in a request to the PCRF', async () => {
  const service = await startDisconnect({ set: ['disconnect.nas_allow=100.112.0.0/16'] });
  const url = `${service.url}/disconnect`;
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
  const responses: string[] = [];
  for (const mode of ['normal', 'refuse', 'redirect', 'close', 'garbage', 'endless'] as const) {
    service.pcrf.setMode(mode);
    for (const token of tokens) {
      const sent = [
        requestDisconnect(service, token),
        requestDisconnect(service, token, { method: 'DELETE' }),
        requestDisconnect(service, token, { headers: { purpose: 'prefetch' } }),
        get(`${url}?token=${token}&token=${token}`),
        get(`${service.url}/%zz?token=${token}`),
        get(`${service.url}/${token}`),
        post(url, { token }),
        post(url, `{"token":"${token}"`),
        post(url, `token=${token}`, form),
        post(url, token, { 'content-type': token.slice(0, 200) }),
        get(url, { headers: { authorization: `Bearer ${token}` } }),
        exchange(service.url, request('GET', `/disconnect?token=${token}\u0001`)),
        exchange(service.url, `GET /disconnect?token=${token} HTTP/9.9\r\n\r\n`),
      ];
      for (const response of await Promise.all(sent)) responses.push(inspect(response, { depth: null }));
    }
  }
  await service.pcrf.close();
  await requestDisconnect(service, goodToken);
  await service.stop();
  const calls = inspect(service.pcrf.requests(), { depth: null, maxArrayLength: null });
  const log = inspect(service.log.lines, { depth: null, maxArrayLength: null, maxStringLength: null });
  expect(log).toContain("message: 'not logged out'");
  for (const part of new Set(tokens.flatMap(secretsOf))) {
    // Booleans, because a failure would print the texts.
    expect([log, calls, responses.join('\n')].map((text) => text.includes(part))).toEqual([
      false,
      false,
      false,
    ]);
  }
});
