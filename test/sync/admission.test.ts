// Sockets whose admission waits for the store: what they are refused for when its answer comes.

import { expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryBus } from '../../src/bus/memory.ts';
import { createConnectionLimiter } from '../../src/http/connection-limiter.ts';
import { createMemoryLimits } from '../../src/store/memory/limits.ts';
import { createSyncServer } from '../../src/sync/server.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { openSocket } from '../support/socket.ts';

const notAsked = () => Promise.reject(new Error('not asked'));

/** A service with two connections whose store answers when the test calls what `waiting` has. */
async function startSync() {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const waiting: ((seconds: number) => void)[] = [];
  const sync = createSyncServer({
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    state: 'testing',
    origins: [],
    addressOf: () => '127.0.0.1',
    requestTimeoutMs: 60_000,
    maxConnections: 2,
    socketLimit: { count: 10, windowMs: 60_000 },
    socketOptions: { changeLimit: 3, sleepMs: 15_000, pausedMs: 120_000 },
    sessions: {
      attach: () => new Promise(() => undefined),
      rotate: notAsked,
      stateOf: notAsked,
      close: notAsked,
    },
    limits: {
      ...createMemoryLimits(clock),
      consume: () => new Promise((resolve) => waiting.push(resolve)),
    },
    overloadGuard: { admit: () => undefined, rejected: 0, stop: () => undefined },
    connectionLimiter: createConnectionLimiter({ max: 100, clock, log }),
    bus: createMemoryBus(),
    addresses: { gateway: () => '', sync: () => '' },
    clock,
    log,
    createMonitoring: () => ({
      recordRequest: () => undefined,
      readiness: notAsked,
      mayReadMetrics: () => false,
      metrics: notAsked,
      service: 'test',
      version: '0',
      uptime: () => 0,
    }),
  });
  onTestFinished(async () => void (await sync.stop()));
  const url = `ws://127.0.0.1:${await sync.start()}/v2/sync/init/111`;
  return { sync, waiting, open: (sessionId: string) => openSocket(`${url}/${sessionId}`) };
}

test('refuses a socket whose rate limit is known only when the service stops', async () => {
  const { sync, waiting, open } = await startSync();
  const opened = open('000');
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  const stopped = sync.stop();
  waiting[0]?.(0);
  await expect(opened).rejects.toThrow('unexpected 503');
  await stopped;
});

test('accepts no more than the maximum of connections of sockets that were admitted together', async () => {
  const { waiting, open } = await startSync();
  const opened = Promise.allSettled(['000', '001', '002', '003'].map(open));
  await vi.waitFor(() => expect(waiting).toHaveLength(4));
  for (const allow of waiting) allow(0);
  expect((await opened).map(({ status }) => status).sort()).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
  ]);
});
