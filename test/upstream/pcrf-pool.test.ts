// The PCRF's connections: how many there are, which calls wait, what is released, and how close() ends them.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { createDeadline } from '../../src/lib/deadline.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createClient, failureOf, portOf, session } from './pcrf-client.ts';
import { numbered, startDeafServer, startHeldServer, watchClientSockets } from './pcrf-servers.ts';
import { startRawServer } from './raw-server.ts';

describe('waiting for a connection', () => {
  test('ends as busy at its own limit, while the running call may continue', async () => {
    const clock = createFakeClock();
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, clock, max: 1, timeoutMs: 10_000, waitTimeoutMs: 5_000 });
    const first = failureOf(pcrf.disconnect(session));
    const second = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    clock.advance(5_000);
    expect(await second).toEqual({
      kind: 'busy',
      reason: 'all 1 PCRF connections are busy; try again in a moment',
    });
    clock.advance(5_000);
    expect((await first).kind).toBe('timeout');
    expect(held).toHaveLength(1);
  });

  test('does not count as time of the request', async () => {
    const clock = createFakeClock();
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, clock, max: 1, timeoutMs: 3_000, waitTimeoutMs: 5_000 });
    const first = failureOf(pcrf.disconnect(session));
    const second = pcrf.succeed(session);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    clock.advance(3_000);
    await first;
    await vi.waitFor(() => expect(held).toHaveLength(2));
    clock.advance(2_999);
    held[1]?.respond();
    await second;
  });

  test('is first come, first served', async () => {
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, max: 1 });
    const calls = Promise.all(numbered(20).map((each) => pcrf.succeed(each)));
    for (let index = 0; index < 20; index += 1) {
      await vi.waitFor(() => expect(held).toHaveLength(index + 1));
      held[index]?.respond();
    }
    await calls;
    expect(held.map(({ id }) => id)).toEqual(numbered(20).map(({ sessionId }) => sessionId));
  });

  test('is possible for 10,000 calls; one more is rejected immediately', async () => {
    const clock = createFakeClock();
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, clock, max: 1 });
    const first = pcrf.succeed(session);
    const waiting = Array.from({ length: 10_000 }, () => failureOf(pcrf.disconnect(session)));
    expect((await failureOf(pcrf.disconnect(session))).reason).toMatch(/^all 1 PCRF connections are busy/);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = pcrf.close(createDeadline(clock, 1_000));
    expect(new Set((await Promise.all(waiting)).map(({ kind }) => kind))).toEqual(new Set(['stopping']));
    held[0]?.respond();
    await Promise.all([first, closed]);
  });
});

describe('a connection', () => {
  test('is reused after a response, and never for two concurrent calls', async () => {
    const { port, held, accepted } = await startHeldServer();
    const pcrf = createClient({ port, max: 3 });
    const calls = numbered(9).map((each) => pcrf.succeed(each));
    for (const upTo of [3, 6, 9]) {
      await vi.waitFor(() => expect(held).toHaveLength(upTo));
      await new Promise(setImmediate);
      expect(held).toHaveLength(upTo);
      for (const { respond } of held.slice(upTo - 3)) respond();
    }
    await Promise.all(calls);
    expect(accepted).toHaveLength(3);
  });

  test.each([
    ['never answers', ''],
    ['stops in the middle', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'],
  ])('whose server %s is closed at the limit', async (_case, start) => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(start));
    const pcrf = createClient({ port: server.port, clock, timeoutMs: 1_000 });
    const failure = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    clock.advance(1_000);
    expect((await failure).kind).toBe('timeout');
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('that never opens times out at the limit, and does not block the next call', async () => {
    const clock = createFakeClock();
    const port = await startDeafServer();
    const sockets = watchClientSockets();
    const pcrf = createClient({ port, clock, max: 1, timeoutMs: 1_000 });
    for (const _ of [1, 2]) {
      const failure = failureOf(pcrf.disconnect(session));
      await vi.waitFor(() => expect(sockets.connecting()).toBe(1));
      clock.advance(1_000);
      expect((await failure).kind).toBe('timeout');
      await vi.waitFor(() => expect(sockets.connecting()).toBe(0));
    }
  });
});

describe('close', () => {
  test('lets running calls finish, rejects waiting and later ones, and leaves nothing behind', async () => {
    const clock = createFakeClock();
    const { port, held, open } = await startHeldServer();
    const pcrf = createClient({ port, clock, min: 2, max: 1 });
    const running = pcrf.succeed(session);
    const waiting = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = [pcrf.close(createDeadline(clock, 1_000)), pcrf.close()];
    const refusal = {
      kind: 'stopping',
      reason: 'the PCRF is no longer called: swob is shutting down',
    };
    expect(await waiting).toEqual(refusal);
    expect(await failureOf(pcrf.disconnect(session))).toEqual(refusal);
    expect(open.size).toBe(1);
    held[0]?.respond();
    await running;
    await Promise.all(closed);
    await pcrf.close();
    expect(clock.pending).toBe(0);
    await vi.waitFor(() => expect(open.size).toBe(0));
  });

  test('interrupts a hanging call at the deadline, and counts it', async () => {
    const clock = createFakeClock();
    const { port, held, open } = await startHeldServer();
    const pcrf = createClient({ port, clock, timeoutMs: 60_000 });
    const running = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = pcrf.close(createDeadline(clock, 1_000));
    clock.advance(999);
    expect(open.size).toBe(1);
    clock.advance(1);
    expect(await closed).toBe(1);
    expect((await running).kind).toBe('invalid response');
    await vi.waitFor(() => expect(open.size).toBe(0));
  });

  test('ends warm connections that are still connecting, and their timers', async () => {
    const clock = createFakeClock();
    const port = await startDeafServer();
    const sockets = watchClientSockets();
    const pcrf = createClient({ port, clock, min: 3 });
    await vi.waitFor(() => expect(sockets.connecting()).toBe(3));
    await pcrf.close();
    expect(clock.pending).toBe(0);
    await vi.waitFor(() => expect(sockets.connecting()).toBe(0));
  });
});

test('1,000 concurrent calls to a PCRF that is slow, then down, then back get the right results from one client', async () => {
  let timers = 0;
  const clock: Clock = {
    ...systemClock,
    after: (ms, fn) => {
      let over = false;
      const end = (): void => {
        if (!over) timers -= 1;
        over = true;
      };
      timers += 1;
      const cancel = systemClock.after(ms, () => {
        end();
        fn();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  const sockets = watchClientSockets();
  const calls = numbered(1_000);
  const start = async (port: number) => {
    const stub = await startPcrfStub({ host: '127.0.0.1', port, sessions: calls });
    onTestFinished(() => stub.close());
    return stub;
  };
  const slow = await start(0);
  const port = portOf(slow.url);
  const pcrf = createClient({ port, clock, min: 1, max: 20, waitTimeoutMs: 20_000 });
  const callAll = () =>
    Promise.all(
      calls.map(async (each) => {
        const result = await pcrf.disconnect(each);
        return result.kind === 'disconnected' ? 'success' : result.reason;
      }),
    );

  slow.setMode('slow', { ms: 5 });
  expect(new Set(await callAll())).toEqual(new Set(['success']));
  expect(new Set(slow.requests().map(({ query }) => query[0]?.[1]))).toHaveLength(1_000);

  slow.setMode('hang');
  const interrupted = callAll();
  await vi.waitFor(() => expect(slow.requests()).toHaveLength(1_020));
  await slow.close();
  const reasons = await interrupted;
  expect(reasons).toHaveLength(1_000);
  const where = `the PCRF at 127.0.0.1:${port}`;
  expect(reasons.filter((reason) => !reason.startsWith(`${where} closed`))).toEqual(
    Array.from({ length: 980 }, () => `${where} is unreachable (ECONNREFUSED)`),
  );

  const alive = await start(port);
  expect(new Set(await callAll())).toEqual(new Set(['success']));
  expect(alive.requests()).toHaveLength(1_000);
  await pcrf.close();
  expect(timers).toBe(0);
  // Immediately: a moment later the stub, or the client's idle timeout, would close forgotten sockets too.
  expect(sockets.open()).toBe(0);
  await alive.close();
});
