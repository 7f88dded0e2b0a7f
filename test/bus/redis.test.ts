import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { createRedisBus } from '../../src/bus/redis.ts';
import type { Bus } from '../../src/domain/pairing/ports.ts';
import { busContract, createListener } from '../contract/bus.ts';
import { newPrefix } from '../store/redis/support.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { redisForFile } from '../support/redis.ts';
import { openConnection } from '../support/redis-client.ts';

const redis = redisForFile({ appendfsync: 'no' });

let prefix: string;
let buses: { here: Bus; there: Bus };
const log = createMemoryLog();
const open = async (): Promise<Bus> => {
  const { redis: channels } = await openConnection(redis().url, { timeoutMs: 1_000 });
  onTestFinished(() => channels.close());
  return createRedisBus({ channels, prefix, clock: systemClock, log });
};
beforeEach(async () => {
  prefix = newPrefix();
  buses = { here: await open(), there: await open() };
});

busContract('Redis', () => buses);

test('works again after an outage, and reports missed events to all listeners', async () => {
  const listeners = Array.from({ length: 500 }, createListener);
  await Promise.all(listeners.map((listener, n) => buses.here.subscribe(`user ${n}`, listener)));
  await redis().kill();
  await buses.there.publish({ kind: 'pause', userId: 'user 7', sessionId: 'lost' });
  expect(log.lines.at(-1)?.message).toBe(
    'an event was not published; the socket reads its session at its next poll',
  );
  await redis().restart();
  const options = { timeout: 15_000 };
  await vi.waitFor(
    () =>
      expect(listeners.filter(({ onMissedEvents }) => onMissedEvents.mock.calls.length === 1)).toHaveLength(
        500,
      ),
    options,
  );
  await vi.waitFor(async () => {
    await buses.there.publish({ kind: 'ack', userId: 'user 7', sessionId: 's' });
    expect(listeners[7]?.events.at(-1)).toMatchObject({ kind: 'ack', sessionId: 's' });
  }, options);
});

test('a bus that is closed while it reports missed events stops reporting', async () => {
  const clock = createFakeClock();
  let reconnect = (): void => {};
  const bus = createRedisBus({
    channels: {
      publish: async () => 0,
      subscribe: () => ({ active: async () => {}, end: () => {} }),
      onReconnect: (listener) => {
        reconnect = listener;
        return () => {};
      },
    },
    prefix,
    clock,
    log,
  });
  const listeners = Array.from({ length: 500 }, createListener);
  await Promise.all(listeners.map((listener, n) => bus.subscribe(`user ${n}`, listener)));
  const notified = () =>
    listeners.filter(({ onMissedEvents }) => onMissedEvents.mock.calls.length > 0).length;
  reconnect();
  expect(notified()).toBe(200);
  clock.advance(20);
  expect(notified()).toBe(400);
  await bus.close();
  clock.advance(60_000);
  expect(notified()).toBe(400);
  expect(clock.pending).toBe(0);
});

test('while Redis is unreachable, listening fails without a long wait', async () => {
  await redis().kill();
  onTestFinished(() => redis().restart());
  await expect(buses.here.subscribe('alice', createListener())).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});

test.each([
  '',
  'no JSON',
  '{}',
  '{"kind":"burn","userId":"alice","sessionId":"s"}',
  '{"kind":"ack","userId":7}',
])('logs and ignores a message that swob did not send (%s)', async (message) => {
  const listener = createListener();
  await buses.here.subscribe('alice', listener);
  await redis().call('spublish', `${prefix}:bus:events`, message);
  await buses.there.publish({ kind: 'ack', userId: 'alice', sessionId: 's' });
  await vi.waitFor(() => expect(listener.events).toHaveLength(1), { timeout: 5_000 });
  expect(log.lines.at(-1)).toMatchObject({ level: 'warn' });
});
