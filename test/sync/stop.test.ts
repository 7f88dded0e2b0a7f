// A sync service that stops while a socket is still being admitted.

import { expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryBus } from '../../src/bus/memory.ts';
import { createConnectionLimiter } from '../../src/http/connection-limiter.ts';
import { createMemoryLimits } from '../../src/store/memory/limits.ts';
import { createSyncServer } from '../../src/sync/server.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { openSocket } from '../support/socket.ts';

const notAsked = () => Promise.reject(new Error('not asked'));

test('refuses a socket whose rate limit is known only when the service stops', async () => {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  let allow: ((seconds: number) => void) | undefined;
  const sync = createSyncServer({
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    state: 'testing',
    origins: [],
    addressOf: () => '127.0.0.1',
    requestTimeoutMs: 60_000,
    maxConnections: 10,
    socketLimit: { count: 10, windowMs: 60_000 },
    socketOptions: { changeLimit: 3, sleepMs: 15_000, pausedMs: 120_000 },
    sessions: { attach: notAsked, rotate: notAsked, stateOf: notAsked, close: notAsked },
    limits: {
      ...createMemoryLimits(clock),
      consume: () =>
        new Promise((resolve) => {
          allow = resolve;
        }),
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
  const opened = openSocket(`ws://127.0.0.1:${await sync.start()}/v2/sync/init/111/000`);
  await vi.waitFor(() => expect(allow).toBeDefined());
  const stopped = sync.stop();
  allow?.(0);
  await expect(opened).rejects.toThrow('unexpected 503');
  await stopped;
});
