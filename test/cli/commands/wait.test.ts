// `swob wait --for ready` against a service that starts; test/process/operate.test.ts has the other conditions.

import { expect, test } from 'vitest';
import { createCli, createSteppingClock, startGateway } from '../harness.ts';

const ok = { ok: true, required: true, ms: 1 };

test('waits for all workers of a service, of which the first ones work already', async () => {
  const { url, requests } = await startGateway(() => {
    const starting = requests.length < 3;
    const workers = { ok: !starting, required: false, ms: 0, ...(starting && { reason: 'failing' }) };
    const state = starting ? 'degraded' : 'ready';
    return { body: JSON.stringify({ service: 'gateway', state, checks: { store: ok, workers } }) };
  });
  expect(await createCli({ clock: createSteppingClock() }).swob('wait', '--url', url)).toBe(0);
  expect(requests).toHaveLength(3);
});

test('a degraded service is ready', async () => {
  const checks = { store: ok, publisher: { ok: false, required: false, ms: 1, reason: 'unreachable' } };
  const { url } = await startGateway(() => ({
    body: JSON.stringify({ service: 'gateway', state: 'degraded', checks }),
  }));
  expect(await createCli().swob('wait', '--url', url)).toBe(0);
});
