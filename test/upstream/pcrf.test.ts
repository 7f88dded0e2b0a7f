// What the PCRF's client asks, and how it judges each answer: by the stub, and by servers that misbehave.

import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WifiSession } from '../../src/domain/model.ts';
import { type PcrfStubOptions, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createClient, failureOf, portOf, session } from './pcrf-client.ts';
import { httpAnswer, startRawServer } from './raw-server.ts';

async function startStub(options: Partial<PcrfStubOptions> = {}) {
  const stub = await startPcrfStub({ host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => stub.close());
  return stub;
}

const answering = async (answer: Buffer | string) => {
  const server = await startRawServer((socket) => void socket.write(answer));
  return { server, pcrf: createClient({ port: server.port }) };
};

describe('the request', () => {
  test('has the words, the order and the plain values of the existing service', async () => {
    const { server, pcrf } = await answering(httpAnswer('{"success":true}'));
    await pcrf.disconnect(session);
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
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('&session=x', '\r\nX: y', '#', '\0', '+ %2'),
    );
    await fc.assert(
      fc.asyncProperty(text, text, text, text, async (sessionId, nasIp, vrf, clientMac) => {
        await pcrf.disconnect({ sessionId, nasIp, vrf, clientMac });
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

  test('is not made with a text that has no UTF-8', async () => {
    const stub = await startStub();
    const pcrf = createClient({ port: portOf(stub.url) });
    expect((await failureOf(pcrf.disconnect({ ...session, vrf: '\ud800' }))).code).toBe('BAD_INPUT');
    expect(stub.requests()).toEqual([]);
  });

  test('goes to an IPv6 host, in brackets where they belong', async () => {
    const server = await startRawServer((socket) => void socket.write(httpAnswer('')), '::1');
    await createClient({ host: '::1', port: server.port }).disconnect(session);
    expect(server.requests.join('').toLowerCase()).toContain(`host: [::1]:${server.port}\r\n`);
  });

  test.each(['a b', 'a/b?c', ''])('is not made to the host %j: CONFIG', (host) => {
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
    ['no error, said so', '{"error":false}'],
    ['a body of exactly 64 KiB', `{"note":"${'x'.repeat(65_536 - 11)}"}`],
    ['a byte order mark before it', '\ufeff{"success":true}'],
  ])('%s', async (_case, body) => {
    const { pcrf } = await answering(httpAnswer(body));
    await expect(pcrf.disconnect(session)).resolves.toBeUndefined();
  });

  test.each([201, 202, 204])('status %d', async (status) => {
    const { pcrf } = await answering(httpAnswer('', status));
    await expect(pcrf.disconnect(session)).resolves.toBeUndefined();
  });

  test('an answer after a 103', async () => {
    const { pcrf } = await answering(`HTTP/1.1 103 Early Hints\r\n\r\n${httpAnswer('{"success":true}')}`);
    await expect(pcrf.disconnect(session)).resolves.toBeUndefined();
  });
});

describe('UPSTREAM is', () => {
  const withEncoding = (encoding: string) => httpAnswer('{}', 200, [`Content-Encoding: ${encoding}`]);
  test.each([
    ['success: false', httpAnswer('{"success":false}'), 'refused: it gives no reason'],
    ['success: "false"', httpAnswer('{"success":"false"}'), 'refused: it gives no reason'],
    ['a fail text', httpAnswer('{"success":false,"fail":"no such session"}'), 'refused: no such session'],
    ['an error beside success', httpAnswer('{"success":true,"error":"x"}'), 'refused: x'],
    ['an error object', httpAnswer('{"error":{"code":5}}'), 'refused: {"code":5}'],
    ['an error of true', httpAnswer('{"error":true}'), 'refused: true'],
    ['false', httpAnswer('false'), 'refused: false'],
    ['HTML', httpAnswer('<!doctype html>'), 'answered 200 with a body that is not JSON'],
    ['text', httpAnswer('OK'), 'answered 200 with a body that is not JSON'],
    ['half a JSON', httpAnswer('{"success":true'), 'answered 200 with a body that is not JSON'],
    ['400', httpAnswer('', 400), 'answered 400'],
    ['500 with HTML', httpAnswer('<p>', 500), 'answered 500'],
    ['404 with words', httpAnswer('{"fail":"gone"}', 404), 'answered 404: gone'],
    ['500 that claims success', httpAnswer('{"success":true}', 500), 'answered 500'],
    ['304', httpAnswer('', 304), 'answered 304, a redirect, which is not followed'],
    ['a gzip encoding', withEncoding('gzip'), 'answered 200 with a compressed body, which was not asked for'],
    ['a br encoding', withEncoding('br'), 'answered 200 with a compressed body, which was not asked for'],
    ['over 64 KiB', httpAnswer(`"${'x'.repeat(65_535)}"`), 'sent an answer over 65536 bytes'],
  ])('%s', async (_case, answer, reason) => {
    const { server, pcrf } = await answering(answer);
    expect(await failureOf(pcrf.disconnect(session))).toEqual({
      code: 'UPSTREAM',
      message: `the PCRF at 127.0.0.1:${server.port} ${reason}`,
    });
  });

  test.each([
    ['nonsense instead of HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['an upgrade', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ])('%s; the connection is dropped', async (_case, answer) => {
    const { server, pcrf } = await answering(answer);
    const { code, message } = await failureOf(pcrf.disconnect(session));
    expect({ code, message }).toEqual({
      code: 'UPSTREAM',
      message: expect.stringContaining('broke its answer off'),
    });
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('words of at most 200 printable characters on one line', async () => {
    const words = `a\r\n\u0000b\u202e\u2028${'\u{1f600}'.repeat(300)}`;
    const { pcrf } = await answering(httpAnswer(JSON.stringify({ fail: words })));
    const { message } = await failureOf(pcrf.disconnect(session));
    expect(message).toMatch(/refused: a b \u{1f600}{196}$/u);
  });

  test('a connection that ends before the answer, and the PCRF is not asked again', async () => {
    const server = await startRawServer((socket) => void socket.destroy());
    const pcrf = createClient({ port: server.port });
    expect((await failureOf(pcrf.disconnect(session))).message).toContain('broke its answer off');
    await pcrf.close();
    expect(server.requests).toHaveLength(1);
  });

  test('the end of a connection that has served before, and the request is not sent again', async () => {
    let answers = 1;
    const server = await startRawServer((socket) => {
      if (answers-- > 0) socket.write(httpAnswer('{}'));
      else socket.destroy();
    });
    const pcrf = createClient({ port: server.port, max: 1 });
    await pcrf.disconnect(session);
    expect((await failureOf(pcrf.disconnect(session))).message).toContain('broke its answer off');
    await pcrf.close();
    expect(server.requests).toHaveLength(2);
  });

  test('nobody at the port', async () => {
    const stub = await startStub();
    await stub.close();
    const port = portOf(stub.url);
    const message = `the PCRF at 127.0.0.1:${port} is unreachable (ECONNREFUSED)`;
    expect(await failureOf(createClient({ port }).disconnect(session))).toEqual({
      code: 'UPSTREAM',
      message,
    });
  });

  test('a host without address', async () => {
    const { code, message } = await failureOf(
      createClient({ host: 'pcrf.invalid', port: 7070 }).disconnect(session),
    );
    expect(code).toBe('UPSTREAM');
    expect(message).toMatch(/^the PCRF at pcrf\.invalid:7070 is unreachable \((ENOTFOUND|EAI_AGAIN)\)$/);
  });
});

describe('against the stub', () => {
  test('a session can be ended once', async () => {
    const stub = await startStub({ sessions: [session] });
    const pcrf = createClient({ port: portOf(stub.url) });
    await pcrf.disconnect(session);
    expect((await failureOf(pcrf.disconnect(session))).message).toMatch(
      /refused: session 5692549928996307964 not found$/,
    );
  });

  test.each([
    ['refuse', 'answered 500: the PCRF stub was told to refuse'],
    ['redirect', 'answered 302, a redirect, which is not followed'],
    ['close', 'broke its answer off (UND_ERR_SOCKET)'],
    ['garbage', 'answered 200 with a body that is not JSON'],
    ['endless', 'sent an answer over 65536 bytes'],
    ['gzip-bomb', 'answered 200 with a compressed body, which was not asked for'],
  ] as const)('mode %s is UPSTREAM, asked once, and the next call succeeds', async (mode, reason) => {
    const stub = await startStub({ sessions: [session] });
    const pcrf = createClient({ port: portOf(stub.url), max: 1 });
    stub.setBehaviour(mode, { count: 1 });
    const { code, message } = await failureOf(pcrf.disconnect(session));
    expect({ code, message }).toEqual({ code: 'UPSTREAM', message: expect.stringContaining(reason) });
    expect(stub.requests()).toHaveLength(1);
    await pcrf.disconnect(session);
  });

  test.each(['hang', 'drip', 'slow'] as const)(
    'mode %s is TIMEOUT at the limit, not before',
    async (mode) => {
      const clock = createFakeClock();
      const stub = await startStub({ clock, ms: 60_000 });
      stub.setBehaviour(mode, { ms: 60_000, count: 1 });
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
        code: 'TIMEOUT',
        message: `the PCRF at 127.0.0.1:${portOf(stub.url)} did not answer within 10000 ms`,
      });
      await pcrf.disconnect(session);
      await pcrf.close();
      // The stub's timers end with the connections.
      await vi.waitFor(() => expect(clock.pending).toBe(0));
    },
  );

  test('mode slow within the limit is success', async () => {
    const clock = createFakeClock();
    const stub = await startStub({ clock, mode: 'slow', ms: 9_000 });
    const done = createClient({ port: portOf(stub.url), clock, timeoutMs: 10_000 }).disconnect(session);
    await vi.waitFor(() => expect(clock.pending).toBe(3));
    clock.advance(9_000);
    await done;
  });
});

test('every session gets the answer to its own request', async () => {
  const mine: WifiSession[] = Array.from({ length: 200 }, (_, index) => ({
    ...session,
    sessionId: `${index}`,
  }));
  const stub = await startStub({ sessions: mine.filter((_, index) => index % 2 === 0) });
  const pcrf = createClient({ port: portOf(stub.url), max: 7 });
  const outcomes = await Promise.all(
    mine.map((each) =>
      pcrf.disconnect(each).then(
        () => '',
        (error: Error) => error.message,
      ),
    ),
  );
  outcomes.forEach((outcome, index) => {
    if (index % 2 === 0) expect(outcome).toBe('');
    else expect(outcome).toContain(`session ${index} not found`);
  });
});
