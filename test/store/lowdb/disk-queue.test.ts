import { expect, test } from 'vitest';
import { createDiskQueue } from '../../../src/store/lowdb/disk-queue.ts';

/** A job that ends on demand. */
function job(log: string[], name: string) {
  let end = (_error?: Error): void => {};
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  const run = async () => {
    log.push(`${name} starts`);
    await ended;
    return name;
  };
  return { run, end };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('runs no more jobs concurrently than there are slots, and starts the longest waiting one next', async () => {
  const work = createDiskQueue({ concurrency: 2, maxWaiting: 10 });
  const log: string[] = [];
  const [a, b, c, d] = [job(log, 'a'), job(log, 'b'), job(log, 'c'), job(log, 'd')];
  const all = Promise.allSettled([a, b, c, d].map(({ run }) => work.run(run)));
  await settle();
  expect(log).toEqual(['a starts', 'b starts']);
  b.end(new Error('b fails'));
  await settle();
  expect(log).toEqual(['a starts', 'b starts', 'c starts']);
  for (const each of [a, c, d]) each.end();
  expect((await all).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
});

test('runs jobs of one key one after the other, also after a failure; other keys do not wait', async () => {
  const work = createDiskQueue({ concurrency: 5, maxWaiting: 10 });
  const log: string[] = [];
  const [a, b, c] = [job(log, 'a'), job(log, 'b'), job(log, 'c')];
  const first = work.runExclusive('key', a.run);
  const second = work.runExclusive('key', b.run);
  const other = work.runExclusive('other', c.run);
  await settle();
  expect(log).toEqual(['a starts', 'c starts']);
  a.end(new Error('a fails'));
  await expect(first).rejects.toThrow('a fails');
  await settle();
  expect(log).toEqual(['a starts', 'c starts', 'b starts']);
  b.end();
  c.end();
  expect([await second, await other]).toEqual(['b', 'c']);
});

test('rejects jobs above the limit of waiting ones until one has finished', async () => {
  const work = createDiskQueue({ concurrency: 1, maxWaiting: 1 });
  const a = job([], 'a');
  const running = work.run(a.run);
  const waiting = work.runExclusive('key', async () => 'b');
  await expect(work.run(async () => 'c')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
  await expect(work.runExclusive('key', async () => 'c')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  a.end();
  expect(await Promise.all([running, waiting])).toEqual(['a', 'b']);
  expect(await work.run(async () => 'd')).toBe('d');
});

test('idle waits for all jobs, including failed ones', async () => {
  const work = createDiskQueue({ concurrency: 1, maxWaiting: 5 });
  const log: string[] = [];
  const [a, b] = [job(log, 'a'), job(log, 'b')];
  const failing = expect(work.run(a.run)).rejects.toThrow('a fails');
  const waiting = work.run(b.run);
  let idle = false;
  const idling = work.idle().then(() => {
    idle = true;
  });
  a.end(new Error('a fails'));
  await settle();
  expect(idle).toBe(false);
  b.end();
  await Promise.all([failing, waiting, idling]);
});
