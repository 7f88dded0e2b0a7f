// How swob handles Sentinels that disagree, and a failover that never completes.

import { expect, test, vi } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startFakeSentinel } from '../support/fake-sentinel.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';

const first = redisForFile({ appendfsync: 'no' });
const second = redisForFile({ appendfsync: 'no' });
const name = 'swob-test';

test('ignores an outdated Sentinel, whatever it says', async () => {
  const behind = await startFakeSentinel(name, { masterPort: first().port, epoch: 1 });
  const right = await startFakeSentinel(name, { masterPort: second().port, epoch: 2 });
  const { redis } = await connectTo(`redis+sentinel://${behind.address},${right.address}/${name}`);
  const where = async () => {
    await redis.run({ key: 'a', args: ['INCR', 'a'] });
    return redis.masters()[0] && (await second().call('get', 'a'));
  };
  await vi.waitFor(async () => expect(Number(await where())).toBeGreaterThan(0), { timeout: 10_000 });
  const before = await first().call('get', 'a');
  behind.publish('+switch-master', `${name} 127.0.0.1 ${second().port} 127.0.0.1 ${first().port}`);
  await redis.run({ args: ['PING'] });
  for (let n = 0; n < 20; n++) await where();
  expect(await first().call('get', 'a')).toBe(before);
  // All were set up again, so they count from the beginning.
  right.responses = { masterPort: first().port, epoch: 1 };
  await second().kill();
  await vi.waitFor(async () => redis.run({ key: 'a', args: ['SET', 'a', 'here'] }), { timeout: 10_000 });
  expect(await first().call('get', 'a')).toBe('here');
  await second().restart();
});

test('disconnects from a master that is being replaced, and reconnects when no replica is promoted', async () => {
  const clock = createFakeClock();
  const sentinel = await startFakeSentinel(name, { masterPort: first().port, epoch: 1 });
  const { redis } = await connectTo(`redis+sentinel://${sentinel.address}/${name}`, { clock });
  const write = () => redis.run({ key: 'b', args: ['SET', 'b', 'x'] });
  expect(await write()).toBe('OK');
  sentinel.responses = { ...sentinel.responses, failoverState: 'wait_promotion' };
  sentinel.publish('+failover-state-send-slaveof-noone', `slave x 127.0.0.1 1 @ other 127.0.0.1 2`);
  expect(await write()).toBe('OK');
  sentinel.publish('+failover-state-send-slaveof-noone', `slave x 127.0.0.1 1 @ ${name} 127.0.0.1 2`);
  await vi.waitFor(() => expect(redis.state()).toBe('unreachable'));
  await expect(write()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('is replaced as master by the Sentinels'),
  });
  const passed: number[] = [];
  await vi.waitFor(
    async () => {
      clock.advance(500);
      passed.push(500);
      expect(await write()).toBe('OK');
    },
    { timeout: 10_000, interval: 20 },
  );
  expect(passed.length * 500).toBeGreaterThanOrEqual(10_000);
});

test('believes the Sentinel that announces a replacement, not one that has not heard of it yet', async () => {
  const follower = await startFakeSentinel(name, { masterPort: first().port, epoch: 1 });
  const leader = await startFakeSentinel(name, { masterPort: first().port, epoch: 1 });
  const { redis } = await connectTo(`redis+sentinel://${follower.address},${leader.address}/${name}`);
  expect(redis.state()).toBe('ok');
  leader.responses = { ...leader.responses, failoverState: 'send_slaveof_noone' };
  leader.publish('+failover-state-send-slaveof-noone', `slave x 127.0.0.1 1 @ ${name} 127.0.0.1 2`);
  await vi.waitFor(() => expect(redis.state()).toBe('unreachable'));
  const before = leader.queries;
  await vi.waitFor(() => expect(leader.queries).toBeGreaterThan(before + 2), { timeout: 10_000 });
  expect(redis.state()).toBe('unreachable');
});
