// What a PCRF may respond, with the running disconnect service (docs/protocol.md, P6–P9).

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import {
  expectFailure,
  expectNoTrace,
  expectService,
  goodToken,
  requestDisconnect,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { httpResponse, startRawServer } from '../upstream/raw-server.ts';

test('P6 a redirect is not followed', async () => {
  const service = await startDisconnect();
  service.pcrf.setMode('redirect', { count: 1 });
  expectFailure(
    await requestDisconnect(service, goodToken),
    502,
    `${service.pcrfName} answered 302, a redirect, which is not followed`,
  );
  expect(service.calls()).toBe(1);
  await expectService(service);
});

describe('P7 with a pool of one connection', () => {
  const one = { set: ['pcrf.pool.max=1'] };

  test.each(['hang', 'drip'] as const)('a PCRF in mode %s causes 504 at the time limit', async (mode) => {
    const service = await startDisconnect(one);
    service.pcrf.setMode(mode, { count: 1 });
    const response = requestDisconnect(service, goodToken);
    await vi.waitFor(() => expect(service.calls()).toBe(1));
    for (let second = 0; second < 10; second += 1) {
      service.clock.advance(1_000);
      await new Promise(setImmediate);
    }
    expectFailure(await response, 504, `${service.pcrfName} did not answer within 10000 ms`);
    await expectService(service);
  });

  test('a PCRF that closes the connection during its response causes 502 immediately', async () => {
    const service = await startDisconnect(one);
    service.pcrf.setMode('close', { count: 1 });
    const { status, text } = await requestDisconnect(service, goodToken);
    expect([status, JSON.parse(text)]).toEqual([
      502,
      {
        success: false,
        fail: expect.stringMatching(
          `^${service.pcrfName} closed the connection during its response \\(\\w+\\)$`,
        ),
        code: 'UPSTREAM',
      },
    ]);
    await expectService(service);
  });
});

describe('P8 a response of the PCRF', () => {
  test.each([
    ['garbage', 'answered 200 with a body that is not JSON'],
    ['refuse', 'answered 500: the PCRF stub was told to refuse'],
    ['gzip-bomb', 'answered 200 with a compressed body, which was not requested'],
    ['endless', 'sent a response over 65536 bytes'],
  ] as const)('in mode %s is a failure', async (mode, fail) => {
    const service = await startDisconnect();
    service.pcrf.setMode(mode, { count: 1 });
    // The size of the bomb may be detected before its encoding.
    const allowed = mode === 'gzip-bomb' ? [fail, 'sent a response over 65536 bytes'] : [fail];
    const { status, text } = await requestDisconnect(service, goodToken);
    const response: { fail: string } = JSON.parse(text);
    expect([status, allowed.map((each) => `${service.pcrfName} ${each}`)]).toEqual([
      502,
      expect.arrayContaining([response.fail]),
    ]);
    await expectService(service);
  });

  test.each([
    ['false', 'refused: false'],
    ['{"success":false}', 'refused: it gives no reason'],
    ['{"success":false,"fail":"session not found"}', 'refused: session not found'],
    ['{"success":true,"error":"partly"}', 'refused: partly'],
    ['{"error":{"code":7}}', 'refused: {"code":7}'],
    ['{"fail":"a\\r\\nb\\u001b[31mc"}', 'refused: a b [31mc'],
    [`{"fail":"${'long '.repeat(100)}"}`, `refused: ${'long '.repeat(40)}`],
  ])('of 200 with %s is a failure', async (body, fail) => {
    const server = await startRawServer((socket) => void socket.write(httpResponse(body)));
    const service = await startDisconnect({ pcrfPort: server.port });
    expectFailure(await requestDisconnect(service, goodToken), 502, `${service.pcrfName} ${fail}`);
    expect(server.requests).toHaveLength(1);
  });

  test.each(['{"success":true}', '', 'true', '{"success":true,"error":null}', '{}'])(
    'of 200 with "%s" is a success',
    async (body) => {
      const server = await startRawServer((socket) => void socket.write(httpResponse(body)));
      const service = await startDisconnect({ pcrfPort: server.port });
      const { status, text } = await requestDisconnect(service, goodToken);
      expect([status, text]).toEqual([200, success]);
    },
  );

  test('is read up to 64 KiB', async () => {
    let sent = 0;
    const server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n');
      const more = (): void => {
        while (!socket.destroyed && sent < 64 * 1024 * 1024 && socket.write(' '.repeat(65_536)))
          sent += 65_536;
      };
      socket.on('drain', more);
      more();
    });
    const service = await startDisconnect({ pcrfPort: server.port, set: ['pcrf.pool.min=0'] });
    expectFailure(
      await requestDisconnect(service, goodToken),
      502,
      `${service.pcrfName} sent a response over 65536 bytes`,
    );
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    // What the kernel has buffered counts as sent, though it is never read.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('P9 a PCRF that cannot be reached', () => {
  test('causes 502 with the reason, never success, and is called again when it is back', async () => {
    const service = await startDisconnect();
    await service.pcrf.close();
    for (const token of [goodToken, goodToken, tokenWith({ sessionId: '2' })]) {
      expectFailure(
        await requestDisconnect(service, token),
        502,
        `${service.pcrfName} is unreachable (ECONNREFUSED)`,
      );
      expectNoTrace(service, token);
    }
    expect(service.calls()).toBe(0);
    const again = await startPcrfStub({ host: '127.0.0.1', port: Number(new URL(service.pcrf.url).port) });
    onTestFinished(() => again.close());
    const { status, text } = await requestDisconnect(service, goodToken);
    expect([status, text, again.requests().length]).toEqual([200, success, 1]);
  });

  test('because its name does not resolve causes 502 too', async () => {
    const service = await startDisconnect({ set: ['pcrf.host=pcrf.invalid'] });
    const { status, text } = await requestDisconnect(service, goodToken);
    expect([status, text]).toEqual([
      502,
      expect.stringMatching(
        /^\{"success":false,"fail":"the PCRF at pcrf\.invalid:\d+ is unreachable \((ENOTFOUND|EAI_AGAIN)\)","code":"UPSTREAM"\}$/,
      ),
    ]);
    expect(service.calls()).toBe(0);
  });
});
