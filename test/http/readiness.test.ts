// Readiness: what is required decides, floods cost one look a second, and what hangs holds nobody up.

import { expect, test, vi } from 'vitest';
import { type Check, createReadiness, type Reason } from '../../src/http/readiness.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function check(name: string, required: boolean, verdict: () => 'ok' | Reason = () => 'ok') {
  const look = vi.fn(async () => verdict());
  return { name, required, look } satisfies Check;
}

test.each([
  ['ready', true, 'ok', 'ok'],
  ['degraded', true, 'ok', 'unreachable'],
  ['unready', false, 'full', 'ok'],
  ['unready', false, 'full', 'unreachable'],
] as const)('%s (%s): required %s, other %s', async (state, ready, required, other) => {
  const ask = createReadiness(
    [check('store', true, () => required), check('publisher', false, () => other)],
    createFakeClock(),
  );
  const answer = await ask();
  expect(answer).toMatchObject({ state, ready });
  expect(answer.checks.store?.ok).toBe(required === 'ok');
  expect(answer.checks.publisher?.reason).toBe(other === 'ok' ? undefined : other);
});

test('a thousand at once and a thousand more are one look a second', async () => {
  const clock = createFakeClock();
  const store = check('store', true);
  const ask = createReadiness([store], clock);
  await Promise.all(Array.from({ length: 1_000 }, ask));
  for (let asked = 0; asked < 1_000; asked++) await ask();
  expect(store.look).toHaveBeenCalledTimes(1);
  clock.advance(999);
  await ask();
  expect(store.look).toHaveBeenCalledTimes(1);
  clock.advance(1);
  await ask();
  expect(store.look).toHaveBeenCalledTimes(2);
  expect(clock.pending).toBe(0);
});

test('a good answer holds as long as its check says, a bad one a second', async () => {
  const clock = createFakeClock();
  let verdict: 'ok' | Reason = 'ok';
  const store = { ...check('store', true, () => verdict), freshMs: 5_000 };
  const ask = createReadiness([store], clock);
  expect((await ask()).ready).toBe(true);
  verdict = 'failed';
  clock.advance(4_999);
  expect((await ask()).ready).toBe(true);
  clock.advance(1);
  expect((await ask()).ready).toBe(false);
  verdict = 'ok';
  clock.advance(1_000);
  expect((await ask()).ready).toBe(true);
});

test('what hangs is slow after a second, is told so, and is not begun again before it comes back', async () => {
  const clock = createFakeClock();
  let aborted = false;
  let comeBack = (): void => {};
  const look = vi.fn(
    (signal: AbortSignal) =>
      new Promise<'ok'>((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        comeBack = () => resolve('ok');
      }),
  );
  const ask = createReadiness([{ name: 'store', required: true, look }, check('users', false)], clock);
  const first = ask();
  // The others answer first.
  await new Promise(setImmediate);
  clock.advance(1_000);
  expect(await first).toMatchObject({
    ready: false,
    checks: { store: { ok: false, reason: 'slow', ms: 1_000 }, users: { ok: true } },
  });
  expect(aborted).toBe(true);
  clock.advance(10_000);
  // At once: nobody waits for the same thing twice.
  expect(await ask()).toMatchObject({ checks: { store: { reason: 'slow', ms: 11_000 } } });
  expect(look).toHaveBeenCalledTimes(1);
  comeBack();
  await vi.waitFor(async () => {
    clock.advance(1_000);
    const again = ask();
    comeBack();
    expect((await again).ready).toBe(true);
  });
  expect(look.mock.calls.length).toBeGreaterThan(1);
});

test('what a check throws is its failure and nothing more', async () => {
  const look = async (): Promise<'ok'> => {
    throw new Error('password=hunter2 at /var/lib/secret');
  };
  const answer = await createReadiness([{ name: 'store', required: true, look }], createFakeClock())();
  expect(answer).toMatchObject({ ready: false, checks: { store: { reason: 'failed' } } });
  expect(JSON.stringify(answer)).not.toMatch(/hunter2|var/);
});
