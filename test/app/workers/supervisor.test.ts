// The supervision of worker processes, with processes that only report: replacement with pauses, an error that repeats, a replacement
// of all, and a stop.

import { expect, test, vi } from 'vitest';
import { createSupervisor, hangMs } from '../../../src/app/workers/supervisor.ts';
import { createDeadline } from '../../../src/lib/deadline.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeWorker, type FakeWorker } from '../../support/fake-worker.ts';
import { createMemoryLog } from '../../support/log.ts';

/** Lets promises settle. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createSupervised(count: number, watchdogMs?: number) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const spawned: FakeWorker[] = [];
  /** Errors of the system at the next starts. */
  const refusals: Error[] = [];
  const supervisor = createSupervisor({
    count,
    watchdogMs,
    clock,
    log,
    spawn: (slot) => {
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      const worker = createFakeWorker(slot, 1_000 + spawned.length);
      spawned.push(worker);
      return worker;
    },
  });
  const at = (index: number): FakeWorker => {
    const worker = spawned[index];
    if (!worker) throw new Error(`worker ${index} was not started`);
    return worker;
  };
  const startAll = async (): Promise<void> => {
    const started = supervisor.start();
    at(0).ready();
    await settle();
    for (const worker of spawned.slice(1)) worker.ready();
    await started;
  };
  return { clock, log, spawned, refusals, supervisor, at, startAll };
}

test('the first worker starts alone, and the start ends when all are ready', async () => {
  const { supervisor, spawned, at } = createSupervised(3);
  const started = supervisor.start();
  await settle();
  expect(spawned).toHaveLength(1);
  at(0).ready();
  await settle();
  expect(spawned.map(({ slot }) => slot)).toEqual([1, 2, 3]);
  at(2).ready();
  at(1).ready();
  expect(await started).toEqual({ gateway: { url: 'http://127.0.0.1:1' } });
  expect(supervisor.counts()).toEqual({ running: 3, crashed: 0, reloaded: 0 });
});

test('the error of a worker that cannot start is that of the start', async () => {
  const { supervisor, at, spawned } = createSupervised(2);
  const started = supervisor.start();
  at(0).report({ kind: 'failed', code: 'UNAVAILABLE', message: 'the port is in use' });
  await expect(started).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'the port is in use' });
  expect(spawned).toHaveLength(1);
});

test('a worker that ends is replaced under its number: immediately, then after longer and longer pauses', async () => {
  const { supervisor, spawned, at, clock, log, startAll } = createSupervised(2);
  await startAll();
  const pauses: number[] = [];
  for (let count = 0; count < 9; count++) {
    const last = spawned.length;
    (count === 0 ? at(0) : at(last - 1)).end({ code: null, signal: 'SIGKILL' });
    await settle();
    let waited = 0;
    clock.advance(0);
    while (spawned.length === last && waited < 60_000) {
      clock.advance(100);
      waited += 100;
    }
    pauses.push(waited);
    at(last).ready();
    await settle();
  }
  expect(pauses).toEqual([0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  expect(spawned.slice(2).map(({ slot }) => slot)).toEqual(Array.from({ length: 9 }, () => 1));
  expect(supervisor.counts()).toMatchObject({ running: 2, crashed: 9 });
  expect(log.lines.filter(({ message }) => message === 'a worker has ended; it is replaced')).toHaveLength(9);
});

test('a worker that the system refuses to start is started again after a pause', async () => {
  const { supervisor, spawned, refusals, at, clock, log, startAll } = createSupervised(2);
  await startAll();
  refusals.push(new Error('spawn ENOMEM'));
  at(1).end({ code: 1, signal: null });
  await settle();
  clock.advance(0);
  await settle();
  expect(log.lines.at(-1)).toMatchObject({
    message: 'a worker could not start',
    fields: { error: 'spawn ENOMEM' },
  });
  clock.advance(200);
  // As where there is no file descriptor left for its channel.
  at(2).end({ code: null, signal: null, error: 'spawn EMFILE' });
  await settle();
  expect(log.lines.at(-1)).toMatchObject({
    fields: { error: 'worker 2 ended before it was ready: spawn EMFILE' },
  });
  clock.advance(400);
  at(3).ready();
  expect(supervisor.counts()).toMatchObject({ running: 2, crashed: 1 });
  expect(spawned).toHaveLength(4);
});

test('a worker that cannot be replaced five times in a row ends the daemon with its error', async () => {
  const { supervisor, spawned, at, clock, startAll } = createSupervised(2);
  await startAll();
  const failed = vi.fn();
  supervisor.failed.catch(failed);
  at(1).end({ code: 1, signal: null });
  await settle();
  for (let count = 0; count < 5; count++) {
    clock.advance(20_000);
    expect(spawned).toHaveLength(3 + count);
    at(2 + count).report({ kind: 'failed', code: 'CONFIG', message: 'no key' });
    at(2 + count).end({ code: 78, signal: null });
    await settle();
  }
  expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: 'CONFIG', message: 'no key' }));
  clock.advance(60_000);
  expect(spawned).toHaveLength(7);
});

test('a worker that is not ready in time is killed, and counts as one that cannot start', async () => {
  const { supervisor, clock, at } = createSupervised(1);
  const started = supervisor.start();
  const refused = expect(started).rejects.toThrow('worker 1 was not ready after 60000 ms');
  clock.advance(60_000);
  await refused;
  expect(at(0).received).toEqual(['killed']);
});

test('all workers are replaced one after the other, each new one before the old one is drained', async () => {
  const { supervisor, spawned, at, startAll } = createSupervised(2);
  await startAll();
  const replaced = supervisor.replaceAll();
  await settle();
  expect(spawned.map(({ slot }) => slot)).toEqual([1, 2, 3]);
  expect(at(0).received).toEqual([]);
  at(2).ready();
  await settle();
  expect(at(0).received).toEqual(['drain']);
  expect(spawned).toHaveLength(3);
  at(0).end();
  await settle();
  expect(spawned.map(({ slot }) => slot)).toEqual([1, 2, 3, 1]);
  at(3).ready();
  await settle();
  expect(at(1).received).toEqual(['drain']);
  at(1).end();
  await replaced;
  expect(supervisor.counts()).toEqual({ running: 2, crashed: 0, reloaded: 2 });
});

test('a worker that was starting when all are replaced is replaced too, once it is ready', async () => {
  const { supervisor, spawned, at, clock, startAll } = createSupervised(2);
  await startAll();
  at(1).end({ code: 1, signal: null });
  await settle();
  clock.advance(0);
  const replaced = supervisor.replaceAll();
  at(3).ready();
  await settle();
  at(0).end();
  await settle();
  expect(at(2).received).toEqual([]);
  at(2).ready();
  await settle();
  at(4).ready();
  await settle();
  expect(at(2).received).toEqual(['drain']);
  at(2).end();
  await replaced;
  expect(spawned).toHaveLength(5);
  expect(supervisor.counts()).toEqual({ running: 2, crashed: 1, reloaded: 2 });
});

test('a worker that ends while others are replaced is replaced once', async () => {
  const { supervisor, spawned, at, clock, startAll } = createSupervised(2);
  await startAll();
  const replaced = supervisor.replaceAll();
  at(2).ready();
  await settle();
  at(1).end({ code: 1, signal: null });
  await settle();
  clock.advance(0);
  at(3).ready();
  at(0).end();
  await replaced;
  expect(spawned).toHaveLength(4);
  expect(supervisor.counts()).toEqual({ running: 2, crashed: 1, reloaded: 1 });
});

test('a new worker that cannot start ends the replacement, and the others keep running', async () => {
  const { supervisor, spawned, at, startAll } = createSupervised(2);
  await startAll();
  const replaced = supervisor.replaceAll();
  at(2).report({ kind: 'failed', code: 'CONFIG', message: 'no certificate' });
  at(2).end({ code: 78, signal: null });
  await expect(replaced).rejects.toThrow('no certificate');
  expect(supervisor.counts()).toEqual({ running: 2, crashed: 0, reloaded: 0 });
  expect(spawned).toHaveLength(3);
});

test('a drained worker that does not end in time is killed', async () => {
  const { supervisor, at, clock, startAll } = createSupervised(1);
  await startAll();
  const replaced = supervisor.replaceAll();
  at(1).ready();
  await settle();
  clock.advance(15_000);
  await replaced;
  expect(at(0).received).toEqual(['drain', 'killed']);
});

test.each([
  { of: 'of systemd', watchdogMs: 30_000, everyMs: 15_000 },
  { of: 'that every primary has', watchdogMs: undefined, everyMs: hangMs / 2 },
])(
  'a worker that does not respond to the watchdog $of is killed and replaced',
  async ({ watchdogMs, everyMs }) => {
    const { supervisor, spawned, at, clock, startAll } = createSupervised(2, watchdogMs);
    await startAll();
    at(1).hangs = true;
    clock.advance(everyMs);
    expect([at(0).received, at(1).received]).toEqual([['ping'], ['ping']]);
    await settle();
    clock.advance(everyMs);
    await settle();
    clock.advance(0);
    expect([at(0).received, at(1).received]).toEqual([
      ['ping', 'ping'],
      ['ping', 'killed'],
    ]);
    expect(spawned).toHaveLength(3);
    expect(supervisor.counts()).toMatchObject({ crashed: 1 });
  },
);

test('a stop during the start starts no further worker', async () => {
  const { supervisor, spawned, at, clock } = createSupervised(3);
  const started = supervisor.start();
  const stopped = supervisor.stop(createDeadline(clock, 5_000));
  expect(supervisor.isStopping()).toBe(true);
  at(0).ready();
  await started;
  at(0).end();
  expect(await stopped).toBe(0);
  expect(spawned).toHaveLength(1);
});

test('a stop ends all workers, kills those that are late, and starts none again', async () => {
  const { supervisor, spawned, at, clock, startAll } = createSupervised(2);
  await startAll();
  at(0).end({ code: 1, signal: null });
  await settle();
  clock.advance(0);
  const stopped = supervisor.stop(createDeadline(clock, 5_000));
  await settle();
  at(1).end();
  await settle();
  clock.advance(5_000);
  expect(await stopped).toBe(1);
  expect(at(1).received).toEqual(['stop']);
  expect(at(2).received).toEqual(['stop', 'killed']);
  clock.advance(60_000);
  expect(spawned).toHaveLength(3);
});
