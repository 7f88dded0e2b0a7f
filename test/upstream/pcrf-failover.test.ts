// Several PCRF servers: which one is called when others fail, and that no session is ended by two of them.

import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { createPcrf } from '../../src/upstream/pcrf.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { portOf, session } from './pcrf-client.ts';
import { numbered, startDeafServer, watchClientSockets } from './pcrf-servers.ts';
import { startRawServer } from './raw-server.ts';

interface Options {
  readonly clock?: Clock;
  readonly retriesUnsafe?: boolean;
  readonly waitTimeoutMs?: number;
  readonly max?: number;
}

function createClient(ports: readonly number[], options: Options = {}) {
  const { clock = systemClock, retriesUnsafe = false, waitTimeoutMs = 5_000, max = 4 } = options;
  const pcrf = createPcrf({
    servers: ports.map((port) => ({ host: '127.0.0.1', port })),
    retriesUnsafe,
    pauseMs: 10_000,
    sessionPath: '',
    timeoutMs: 10_000,
    pool: { min: 0, max, waitTimeoutMs },
    clock,
    log: createMemoryLog(),
  });
  onTestFinished(async () => void (await pcrf.close()));
  return pcrf;
}

async function startStub() {
  const stub = await startPcrfStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => stub.close());
  return { ...stub, port: portOf(stub.url), name: `127.0.0.1:${portOf(stub.url)}` };
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('the next server is called', () => {
  test('when the first refuses the connection, and stays the first until the pause is over', async () => {
    const clock = createFakeClock();
    const [dead, stub] = [await closedPort(), await startStub()];
    const pcrf = createClient([dead, stub.port], { clock });
    expect(await pcrf.disconnect(session)).toEqual({
      kind: 'disconnected',
      host: stub.name,
      attempts: 1,
      failedHosts: [`the PCRF at 127.0.0.1:${dead} is unreachable (ECONNREFUSED)`],
    });
    expect(await pcrf.disconnect(session)).toEqual({ kind: 'disconnected', host: stub.name, attempts: 1 });
    const back = await startPcrfStub({ host: '127.0.0.1', port: dead });
    onTestFinished(() => back.close());
    clock.advance(10_000);
    expect((await pcrf.disconnect(session)).host).toBe(`127.0.0.1:${dead}`);
    expect(stub.requests()).toHaveLength(2);
  });

  test('when the first accepts no connection within its share of the time', async () => {
    const clock = createFakeClock();
    const [deaf, stub] = [await startDeafServer(), await startStub()];
    const sockets = watchClientSockets();
    const pcrf = createClient([deaf, stub.port], { clock });
    const result = pcrf.disconnect(session);
    await vi.waitFor(() => expect(sockets.connecting()).toBe(1));
    clock.advance(5_000);
    expect(await result).toMatchObject({
      kind: 'disconnected',
      failedHosts: [`the PCRF at 127.0.0.1:${deaf} accepted no connection within 5000 ms`],
    });
  });

  test('when no connection to the first becomes free, which is not a failure of it', async () => {
    const clock = createFakeClock();
    const [busy, stub] = [await startRawServer(() => undefined), await startStub()];
    const pcrf = createClient([busy.port, stub.port], { clock, max: 1 });
    const first = pcrf.disconnect(session);
    await vi.waitFor(() => expect(busy.requests).toHaveLength(1));
    const second = pcrf.disconnect({ ...session, sessionId: '2' });
    await new Promise(setImmediate);
    clock.advance(2_500);
    expect(await second).toMatchObject({ kind: 'disconnected', host: stub.name });
    expect(pcrf.states()[0]?.state).toBe('working');
    clock.advance(7_500);
    expect(await first).toMatchObject({ kind: 'timeout', attempts: 1 });
  });
});

describe('a request that was sent and not answered', () => {
  const startBroken = () => startRawServer((socket) => void socket.destroy());

  test('is not sent to the next server', async () => {
    const [broken, stub] = [await startBroken(), await startStub()];
    const pcrf = createClient([broken.port, stub.port]);
    expect(await pcrf.disconnect(session)).toMatchObject({ kind: 'invalid response', attempts: 1 });
    expect(stub.requests()).toHaveLength(0);
    expect((await pcrf.disconnect(session)).host).toBe(stub.name);
  });

  test('is, with retry_unsafe', async () => {
    const [broken, stub] = [await startBroken(), await startStub()];
    const pcrf = createClient([broken.port, stub.port], { retriesUnsafe: true });
    expect(await pcrf.disconnect(session)).toMatchObject({
      kind: 'disconnected',
      host: stub.name,
      attempts: 2,
    });
  });

  test('and neither is one that was answered with a failure', async () => {
    const [first, second] = [await startStub(), await startStub()];
    first.setMode('refuse');
    const pcrf = createClient([first.port, second.port], { retriesUnsafe: true });
    expect(await pcrf.disconnect(session)).toMatchObject({ kind: 'rejected', host: first.name });
    expect(second.requests()).toHaveLength(0);
  });
});

test('when all fail, the reasons are named in their order', async () => {
  const ports = [await closedPort(), await closedPort()];
  const result = await createClient(ports).disconnect(session);
  const reason = ports
    .map((port) => `the PCRF at 127.0.0.1:${port} is unreachable (ECONNREFUSED)`)
    .join('; ');
  expect(result).toMatchObject({ kind: 'unreachable', reason, attempts: 0 });
});

test('1,000 concurrent calls while the first server dies: each session is ended by one call at most', async () => {
  const [first, second] = [await startStub(), await startStub()];
  const pcrf = createClient([first.port, second.port], { max: 20, waitTimeoutMs: 300_000 });
  const results = numbered(1_000).map(async (each) => (await pcrf.disconnect(each)).kind);
  await vi.waitFor(() => expect(first.requests().length).toBeGreaterThanOrEqual(300), { interval: 1 });
  await first.close();
  const kinds = await Promise.all(results);
  const calls = new Map<string, number>();
  for (const { query } of [...first.requests(), ...second.requests()]) {
    const id = String(query[0]?.[1]);
    calls.set(id, (calls.get(id) ?? 0) + 1);
  }
  expect([...calls.values()].filter((count) => count > 1)).toEqual([]);
  expect(
    kinds.flatMap((kind, id) => (kind === 'disconnected' && !calls.has(String(id)) ? [id] : [])),
  ).toEqual([]);
  // Those that were on the 20 connections of the first server as it died, or on new ones that it did not accept any more.
  expect(kinds.filter((kind) => kind !== 'disconnected').length).toBeLessThanOrEqual(40);
  expect(second.requests().length).toBeGreaterThan(0);
});
