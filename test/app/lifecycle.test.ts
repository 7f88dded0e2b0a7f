// The stop of a process on a clock that the test moves: the order of the disposers, and their shares of the budget.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { createLifecycle, stopBudgetMs } from '../../src/app/lifecycle.ts';
import type { Deadline } from '../../src/lib/deadline.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

function create() {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  return { clock, log, lifecycle: createLifecycle(log, clock) };
}

test('disposers run last in, first out, once, and one that fails does not keep the others', async () => {
  const { lifecycle, log } = create();
  const closed: string[] = [];
  lifecycle.defer('store', () => void closed.push('store'));
  lifecycle.defer('bus', async () => {
    throw new Error('no bus');
  });
  lifecycle.defer('services', () => void closed.push('services'));
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  expect(closed).toEqual(['services', 'store']);
  expect(log.lines).toMatchObject([{ level: 'error', fields: { resource: 'bus', error: 'no bus' } }]);
});

test('each disposer may use what is left, less what is reserved for those after it', async () => {
  const { lifecycle, clock, log } = create();
  const shares: number[] = [];
  const record = (deadline: Deadline) => void shares.push(deadline.remainingMs());
  lifecycle.defer('log', record, 500);
  lifecycle.defer('store', record, 1_000);
  lifecycle.defer('services', async (deadline) => {
    record(deadline);
    const ended = deadline.settles(new Promise(() => {}));
    clock.advance(deadline.remainingMs());
    expect(await ended).toBe(false);
    return 3;
  });
  await lifecycle.stop();
  // The log gets the time that the store left, too.
  expect(shares).toEqual([8_000, 1_000, 1_500]);
  expect(log.lines).toMatchObject([
    {
      level: 'warn',
      message: 'work was interrupted to stop in time',
      fields: { resource: 'services', interrupted: 3 },
    },
  ]);
});

test('a stop in which every disposer hangs ends inside the budget, and names each', async () => {
  const { lifecycle, clock, log } = create();
  const names = ['log', 'store', 'bus', 'messaging', 'services'];
  for (const name of names) lifecycle.defer(name, () => new Promise(() => {}), 500);
  const started = clock.monotonic();
  const stopped = lifecycle.stop();
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  await vi.waitFor(
    () => {
      if (!isStopped) clock.advance(50);
      expect(isStopped).toBe(true);
    },
    { timeout: 5_000, interval: 1 },
  );
  expect(clock.monotonic() - started).toBeLessThan(stopBudgetMs);
  expect(log.lines.map(({ fields }) => fields)).toMatchObject(
    names.reverse().map((resource) => ({ resource })),
  );
});

test('the units and compose.yml allow the budget, and name it', () => {
  const seconds = stopBudgetMs / 1_000;
  const units = readdirSync('confs/systemd').filter((file) => file.endsWith('.service'));
  expect(units.length).toBeGreaterThan(0);
  for (const unit of units) {
    const text = readFileSync(`confs/systemd/${unit}`, 'utf8');
    expect(text).toContain(`${seconds} seconds`);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1])).toBe(seconds + 5);
  }
  const compose = readFileSync('confs/docker/compose.yml', 'utf8');
  expect(compose).toContain(`stop_grace_period: ${seconds + 5}s`);
});
