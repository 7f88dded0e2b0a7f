// Readiness: required checks decide, a flood costs one check a second, and a hanging check delays no response.

import { expect, test, vi } from 'vitest';
import { createReadiness, type ReadinessCheck, type ReadinessReason } from '../../src/http/readiness.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function check(name: string, required: boolean, verdict: () => 'ok' | ReadinessReason = () => 'ok') {
  const run = vi.fn(async () => verdict());
  return { name, required, run: run } satisfies ReadinessCheck;
}

test.each([
  ['ready', true, 'ok', 'ok'],
  ['degraded', true, 'ok', 'unreachable'],
  ['unready', false, 'full', 'ok'],
  ['unready', false, 'full', 'unreachable'],
] as const)('%s (%s): required %s, other %s', async (state, ready, required, other) => {
  const checkReadiness = createReadiness(
    [check('store', true, () => required), check('publisher', false, () => other)],
    createFakeClock(),
  );
  const response = await checkReadiness();
  expect(response).toMatchObject({ state, ready });
  expect(response.checks.store?.ok).toBe(required === 'ok');
  expect(response.checks.publisher?.reason).toBe(other === 'ok' ? undefined : other);
});

test('a thousand concurrent requests and a thousand more run a check once a second', async () => {
  const clock = createFakeClock();
  const store = check('store', true);
  const checkReadiness = createReadiness([store], clock);
  await Promise.all(Array.from({ length: 1_000 }, checkReadiness));
  for (let call = 0; call < 1_000; call++) await checkReadiness();
  expect(store.run).toHaveBeenCalledTimes(1);
  clock.advance(999);
  await checkReadiness();
  expect(store.run).toHaveBeenCalledTimes(1);
  clock.advance(1);
  await checkReadiness();
  expect(store.run).toHaveBeenCalledTimes(2);
  expect(clock.pending).toBe(0);
});

test('a good result is cached for the time of its check, a bad one for a second', async () => {
  const clock = createFakeClock();
  let verdict: 'ok' | ReadinessReason = 'ok';
  const store = { ...check('store', true, () => verdict), cacheMs: 5_000 };
  const checkReadiness = createReadiness([store], clock);
  expect((await checkReadiness()).ready).toBe(true);
  verdict = 'failed';
  clock.advance(4_999);
  expect((await checkReadiness()).ready).toBe(true);
  clock.advance(1);
  expect((await checkReadiness()).ready).toBe(false);
  verdict = 'ok';
  clock.advance(1_000);
  expect((await checkReadiness()).ready).toBe(true);
});

test('a hanging check is slow after a second, is aborted, and is not started again before it settles', async () => {
  const clock = createFakeClock();
  let aborted = false;
  let respond = (): void => {};
  const run = vi.fn(
    (signal: AbortSignal) =>
      new Promise<'ok'>((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        respond = () => resolve('ok');
      }),
  );
  const checkReadiness = createReadiness(
    [{ name: 'store', required: true, run: run }, check('users', false)],
    clock,
  );
  const first = checkReadiness();
  // The other checks settle first.
  await new Promise(setImmediate);
  clock.advance(1_000);
  expect(await first).toMatchObject({
    ready: false,
    checks: { store: { ok: false, reason: 'slow', ms: 1_000 }, users: { ok: true } },
  });
  expect(aborted).toBe(true);
  clock.advance(10_000);
  // Immediately: no request waits for a check that is already slow.
  expect(await checkReadiness()).toMatchObject({ checks: { store: { reason: 'slow', ms: 11_000 } } });
  expect(run).toHaveBeenCalledTimes(1);
  respond();
  await vi.waitFor(async () => {
    clock.advance(1_000);
    const again = checkReadiness();
    respond();
    expect((await again).ready).toBe(true);
  });
  expect(run.mock.calls.length).toBeGreaterThan(1);
});

test('a check that throws fails, and its error is not exposed', async () => {
  const run = async (): Promise<'ok'> => {
    throw new Error('password=hunter2 at /var/lib/secret');
  };
  const response = await createReadiness([{ name: 'store', required: true, run: run }], createFakeClock())();
  expect(response).toMatchObject({ ready: false, checks: { store: { reason: 'failed' } } });
  expect(JSON.stringify(response)).not.toMatch(/hunter2|var/);
});
