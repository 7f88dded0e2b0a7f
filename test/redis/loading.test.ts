// A killed Redis that loads its data again: commands fail fast, nothing is acknowledged, and no data is lost.

import { expect, test, vi } from 'vitest';
import { patient } from '../support/patience.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';

const keys = 200;
const redis = redisForFile({
  appendfsync: 'always',
  // From Redis's own tests: 10 ms per key, and commands are answered in between.
  args: ['--key-load-delay', '10000', '--loading-process-events-interval-bytes', '1024'],
});

test('rejects every command immediately while Redis loads its data, and has all acknowledged writes afterwards', async () => {
  const { redis: connection } = await connectTo(redis().url);
  const set = (n: number) => connection.run({ key: `k${n}`, args: ['SET', `k${n}`, 'x'.repeat(500)] });
  for (let n = 0; n < keys; n++) await set(n);
  await redis().call('bgrewriteaof');
  await vi.waitFor(
    async () => {
      const info = await redis().call('info', 'persistence');
      expect(info).toContain('aof_rewrite_in_progress:0');
      expect(info).toContain('aof_rewrite_scheduled:0');
    },
    { timeout: 10_000 },
  );
  const restarted = redis().restart();
  await vi.waitFor(
    () => expect(set(0)).rejects.toMatchObject({ message: expect.stringContaining('is reading its data') }),
    { timeout: 10_000, interval: 20 },
  );
  const since = performance.now();
  await expect(set(0)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
  expect(performance.now() - since).toBeLessThan(patient(1_000));
  expect(connection.state()).toBe('unreachable');
  await restarted;
  await vi.waitFor(() => set(0), { timeout: 10_000 });
  expect(Number(await redis().call('dbsize'))).toBe(keys);
});
