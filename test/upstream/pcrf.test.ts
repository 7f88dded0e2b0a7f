// What the PCRF client sends, and how it classifies each response: with the stub, and with servers that misbehave.

import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WifiSession } from '../../src/domain/wifi/model.ts';
import { type PcrfStubOptions, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { anyText } from '../support/any-text.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createClient, failureOf, portOf, session } from './pcrf-client.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

async function startStub(options: Partial<PcrfStubOptions> = {}) {
  const stub = await startPcrfStub({ host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => stub.close());
  return stub;
}

const respondingWith = async (response: Buffer | string) => {
  const server = await startRawServer((socket) => void socket.write(response));
  return { server, pcrf: createClient({ port: server.port }) };
};

describe('the request', () => {
  test('has the names, the order and the plain values of the existing service', async () => {
    const { server, pcrf } = await respondingWith(httpResponse('{"success":true}'));
    await pcrf.succeed(session);
    const [line, ...headers] = server.requests.join('').split('\r\n');
    expect(line).toBe(
      'GET /account/disconnect?session=5692549928996307964&nas_ip=100.112.0.1&vrf=1&single=false' +
        '&mac=FC-45-96-5F-50-AC&remove_mac=true HTTP/1.1',
    );
    expect(headers.map((each) => each.toLowerCase())).toContain('accept-encoding: identity');
    expect(headers.map((each) => each.toLowerCase())).toContain(`host: 127.0.0.1:${server.port}`);
  });

  test('carries any text as exactly one parameter', async () => {
    const stub = await startStub();
    const pcrf = createClient({ port: portOf(stub.url) });
    const text = fc.oneof(anyText(), fc.constantFrom('&session=x', '\r\nX: y', '#', '\0', '+ %2'));
    await fc.assert(
      fc.asyncProperty(text, text, text, text, async (sessionId, nasIp, vrf, clientMac) => {
        await pcrf.succeed({ sessionId, nasIp, vrf, clientMac });
        expect(stub.requests().at(-1)?.query).toEqual([
          ['session', sessionId],
          ['nas_ip', nasIp],
          ['vrf', vrf],
          ['single', 'false'],
          ['mac', clientMac],
          ['remove_mac', 'true'],
        ]);
      }),
    );
    expect(stub.requests().every(({ url }) => /^[\w/?&=%.~!*'()-]+$/.test(url))).toBe(true);
  });

  test('is not sent with a text that has no UTF-8 encoding', async () => {
    const stub = await startStub();
    const pcrf = createClient({ port: portOf(stub.url) });
    expect((await failureOf(pcrf.disconnect({ ...session, vrf: '\ud800' }))).kind).toBe('bad session');
    expect(stub.requests()).toEqual([]);
  });

  test('goes to an IPv6 host, in brackets where they belong', async () => {
    const server = await startRawServer((socket) => void socket.write(httpResponse('')), '::1');
    await createClient({ host: '::1', port: server.port }).disconnect(session);
    expect(server.requests.join('').toLowerCase()).toContain(`host: [::1]:${server.port}\r\n`);
  });

  test.each(['a b', 'a/b?c', ''])('is not sent to the host %j: CONFIG', (host) => {
    expect(() => createClient({ host, port: 1 })).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });
});

describe('success is', () => {
  test.each([
    ['success: true', '{"success":true}'],
    ['an empty body', ''],
    ['white space', ' \r\n'],
    ['an object that says nothing', '{"session":"1"}'],
    ['empty complaints', '{"success":true,"error":null,"fail":""}'],
    ['an error that is false', '{"error":false}'],
    ['a body of exactly 64 KiB', `{"note":"${'x'.repeat(65_536 - 11)}"}`],
    ['a byte order mark before it', '\ufeff{"success":true}'],
  ])('%s', async (_case, body) => {
    const { pcrf } = await respondingWith(httpResponse(body));
    await pcrf.succeed(session);
  });

  test.each([201, 202, 204])('status %d', async (status) => {
    const { pcrf } = await respondingWith(httpResponse('', status));
    await pcrf.succeed(session);
  });

  test('a response after a 103', async () => {
    const { pcrf } = await respondingWith(
      `HTTP/1.1 103 Early Hints\r\n\r\n${httpResponse('{"success":true}')}`,
    );
    await pcrf.succeed(session);
  });
});

describe('a failure is', () => {
  const withEncoding = (encoding: string) => httpResponse('{}', 200, [`Content-Encoding: ${encoding}`]);
  test.each([
    ['success: false', httpResponse('{"success":false}'), 'refused: it gives no reason'],
    ['success: "false"', httpResponse('{"success":"false"}'), 'refused: it gives no reason'],
    ['a fail text', httpResponse('{"success":false,"fail":"no such session"}'), 'refused: no such session'],
    ['an error beside success', httpResponse('{"success":true,"error":"x"}'), 'refused: x'],
    ['an error object', httpResponse('{"error":{"code":5}}'), 'refused: {"code":5}'],
    ['an error of true', httpResponse('{"error":true}'), 'refused: true'],
    ['false', httpResponse('false'), 'refused: false'],
    ['HTML', httpResponse('<!doctype html>'), 'answered 200 with a body that is not JSON'],
    ['text', httpResponse('OK'), 'answered 200 with a body that is not JSON'],
    ['half a JSON', httpResponse('{"success":true'), 'answered 200 with a body that is not JSON'],
    ['400', httpResponse('', 400), 'answered 400'],
    ['500 with HTML', httpResponse('<p>', 500), 'answered 500'],
    ['404 with words', httpResponse('{"fail":"gone"}', 404), 'answered 404: gone'],
    ['500 that claims success', httpResponse('{"success":true}', 500), 'answered 500'],
    ['304', httpResponse('', 304), 'answered 304, a redirect, which is not followed'],
    ['a gzip encoding', withEncoding('gzip'), 'answered 200 with a compressed body, which was not requested'],
    ['a br encoding', withEncoding('br'), 'answered 200 with a compressed body, which was not requested'],
    ['over 64 KiB', httpResponse(`"${'x'.repeat(65_535)}"`), 'sent a response over 65536 bytes'],
  ])('%s', async (_case, response, reason) => {
    const { server, pcrf } = await respondingWith(response);
    expect(await failureOf(pcrf.disconnect(session))).toEqual({
      kind: reason.startsWith('sent') ? 'invalid response' : 'rejected',
      reason: `the PCRF at 127.0.0.1:${server.port} ${reason}`,
    });
  });

  test.each([
    ['nonsense instead of HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['an upgrade', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ])('%s; the connection is dropped', async (_case, response) => {
    const { server, pcrf } = await respondingWith(response);
    expect(await failureOf(pcrf.disconnect(session))).toEqual({
      kind: 'invalid response',
      reason: expect.stringContaining('closed the connection during its response'),
    });
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('a message of at most 200 printable characters on one line', async () => {
    const words = `a\r\n\u0000b\u202e\u2028${'\u{1f600}'.repeat(300)}`;
    const { pcrf } = await respondingWith(httpResponse(JSON.stringify({ fail: words })));
    const { reason } = await failureOf(pcrf.disconnect(session));
    expect(reason).toMatch(/refused: a b \u{1f600}{196}$/u);
  });

  test('a connection that ends before the response, and the request is not repeated', async () => {
    const server = await startRawServer((socket) => void socket.destroy());
    const pcrf = createClient({ port: server.port });
    expect((await failureOf(pcrf.disconnect(session))).reason).toContain(
      'closed the connection during its response',
    );
    await pcrf.close();
    expect(server.requests).toHaveLength(1);
  });

  test('the end of a reused connection, and the request is not sent again', async () => {
    let responses = 1;
    const server = await startRawServer((socket) => {
      if (responses-- > 0) socket.write(httpResponse('{}'));
      else socket.destroy();
    });
    const pcrf = createClient({ port: server.port, max: 1 });
    await pcrf.succeed(session);
    expect((await failureOf(pcrf.disconnect(session))).reason).toContain(
      'closed the connection during its response',
    );
    await pcrf.close();
    expect(server.requests).toHaveLength(2);
  });

  test('a port without a server', async () => {
    const stub = await startStub();
    await stub.close();
    const port = portOf(stub.url);
    const reason = `the PCRF at 127.0.0.1:${port} is unreachable (ECONNREFUSED)`;
    expect(await failureOf(createClient({ port }).disconnect(session))).toEqual({
      kind: 'unreachable',
      reason,
    });
  });

  test('a host name without an address', async () => {
    const { kind, reason } = await failureOf(
      createClient({ host: 'pcrf.invalid', port: 7070 }).disconnect(session),
    );
    expect(kind).toBe('unreachable');
    expect(reason).toMatch(/^the PCRF at pcrf\.invalid:7070 is unreachable \((ENOTFOUND|EAI_AGAIN)\)$/);
  });
});

describe('against the stub', () => {
  test('a session can be ended once', async () => {
    const stub = await startStub({ sessions: [session] });
    const pcrf = createClient({ port: portOf(stub.url) });
    await pcrf.succeed(session);
    expect((await failureOf(pcrf.disconnect(session))).reason).toMatch(
      /refused: session 5692549928996307964 not found$/,
    );
  });

  test.each([
    ['refuse', 'answered 500: the PCRF stub was told to refuse'],
    ['redirect', 'answered 302, a redirect, which is not followed'],
    ['close', 'closed the connection during its response (UND_ERR_SOCKET)'],
    ['garbage', 'answered 200 with a body that is not JSON'],
    ['endless', 'sent a response over 65536 bytes'],
    ['gzip-bomb', 'answered 200 with a compressed body, which was not requested'],
  ] as const)('mode %s is a failure after one request, and the next call succeeds', async (mode, reason) => {
    const stub = await startStub({ sessions: [session] });
    const pcrf = createClient({ port: portOf(stub.url), max: 1 });
    stub.setMode(mode, { count: 1 });
    expect(await failureOf(pcrf.disconnect(session))).toEqual({
      kind: mode === 'close' || mode === 'endless' ? 'invalid response' : 'rejected',
      reason: expect.stringContaining(reason),
    });
    expect(stub.requests()).toHaveLength(1);
    await pcrf.succeed(session);
  });

  test.each(['hang', 'drip', 'slow'] as const)(
    'mode %s is a timeout at the limit, not before',
    async (mode) => {
      const clock = createFakeClock();
      const stub = await startStub({ clock, ms: 60_000 });
      stub.setMode(mode, { ms: 60_000, count: 1 });
      const pcrf = createClient({ port: portOf(stub.url), clock, max: 1, timeoutMs: 10_000 });
      let settled = false;
      const failure = failureOf(pcrf.disconnect(session)).finally(() => {
        settled = true;
      });
      await vi.waitFor(() => expect(stub.requests()).toHaveLength(1));
      clock.advance(9_999);
      await new Promise(setImmediate);
      expect(settled).toBe(false);
      clock.advance(1);
      expect(await failure).toEqual({
        kind: 'timeout',
        reason: `the PCRF at 127.0.0.1:${portOf(stub.url)} did not answer within 10000 ms`,
      });
      await pcrf.succeed(session);
      await pcrf.close();
      // The stub's timers end with the connections.
      await vi.waitFor(() => expect(clock.pending).toBe(0));
    },
  );

  test('mode slow within the limit is a success', async () => {
    const clock = createFakeClock();
    const stub = await startStub({ clock, mode: 'slow', ms: 9_000 });
    const done = createClient({ port: portOf(stub.url), clock, timeoutMs: 10_000 }).disconnect(session);
    await vi.waitFor(() => expect(clock.pending).toBe(2));
    clock.advance(9_000);
    expect(await done).toEqual({ kind: 'disconnected' });
  });
});

test('every session gets the response to its own request', async () => {
  const mine: WifiSession[] = Array.from({ length: 200 }, (_, index) => ({
    ...session,
    sessionId: `${index}`,
  }));
  const stub = await startStub({ sessions: mine.filter((_, index) => index % 2 === 0) });
  const pcrf = createClient({ port: portOf(stub.url), max: 7 });
  const outcomes = await Promise.all(mine.map((each) => pcrf.disconnect(each)));
  outcomes.forEach((outcome, index) => {
    if (index % 2 === 0) expect(outcome).toEqual({ kind: 'disconnected' });
    else expect(outcome).toMatchObject({ reason: expect.stringContaining(`session ${index} not found`) });
  });
});
