// `swob serve --workers` with a store in Redis: the workers are nodes of it, and one daemon to clients.

import { expect, test } from 'vitest';
import { readMetrics } from '../support/prometheus.ts';
import { redisForFile } from '../support/redis.ts';
import { pairOverWorkers, requestOnce, startWorkers } from '../support/workers.ts';
import { createInstallation } from './installation.ts';

const redis = redisForFile();

test('workers open Redis themselves, and pair, count and stop together', async () => {
  await redis().flush();
  const { folder } = await createInstallation({ extra: `[store]\nurl = redis://127.0.0.1:${redis().port}` });
  const swob = await startWorkers([], { cwd: folder });
  for (let round = 0; round < 2; round++)
    expect(await pairOverWorkers(swob.ready, `pairing-${round}`)).toMatch(/^[0-9a-f]{32}$/);
  const metrics = readMetrics((await requestOnce(`${swob.ready.gateway.url}/metrics`)).text);
  expect(metrics).toContainEqual({ name: 'swob_pairings_total', labels: { outcome: 'paired' }, value: 2 });
  expect(metrics).toContainEqual({ name: 'swob_workers', labels: {}, value: 2 });
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(swob.lines().filter(({ level }) => level >= 40)).toEqual([]);
});
