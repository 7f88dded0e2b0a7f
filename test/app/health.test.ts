// The check of the store in a worker process, whose primary process has the store open.

import { expect, test, vi } from 'vitest';
import { syncChecks } from '../../src/app/compose/health.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createReadiness } from '../../src/http/readiness.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { serveClients } from '../store/remote/support.ts';
import { configFile } from '../support/config-files.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function checkOfWorker(probe: () => Promise<void>) {
  const clock = createFakeClock();
  const options = storeOptions(clock);
  const [worker] = serveClients({ ...createMemoryStore(options), probe }, options, 1);
  if (!worker) throw new Error('there is no worker');
  const { config } = loadConfig({ files: [configFile('')], env: {}, setOptions: ['store.url=file:data'] });
  return {
    clock,
    check: createReadiness(
      syncChecks(config, { store: worker.store }, () => 0),
      clock,
    ),
  };
}

test('a disk that takes nothing is a store that failed, not one that is unreachable', async () => {
  const { check } = checkOfWorker(() => Promise.reject(new Error('ENOSPC')));
  expect((await check()).checks.store).toMatchObject({ ok: false, reason: 'failed' });
});

test('the probe, which writes to the disk, is as rare as in a single process', async () => {
  const probe = vi.fn(async () => {});
  const { clock, check } = checkOfWorker(probe);
  for (let second = 0; second < 10; second++) {
    expect((await check()).ready).toBe(true);
    clock.advance(1_000);
  }
  expect(probe).toHaveBeenCalledTimes(2);
});
