import { mkdir, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { acquireLock, deadLock, killed, lock, lockInChild, locksIn } from './support.ts';

test('reports to a second process who has held the lock since when, and what to do', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await lock(folder, clock);
  const refused = acquireLock(folder, clock);
  await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(refused).rejects.toThrow(
    `the store ${folder} is in use by pid ${process.pid} on host ${hostname()} since ${new Date(clock.now()).toISOString()}; stop it`,
  );
  expect(await locksIn(folder)).toEqual(['lock.1']);
});

test("another process's lock is held, and becomes free as soon as that process is killed", async () => {
  const folder = temporaryFolder();
  const { child, output } = await lockInChild(folder);
  expect(output).toBe('acquired');
  await expect(acquireLock(folder, createFakeClock(Date.now()))).rejects.toThrow(
    `in use by pid ${child.pid} `,
  );
  await killed(child);
  await lock(folder);
  expect(await locksIn(folder)).toEqual(['lock.2']);
});

test('exactly one of many processes acquires a dead lock', async () => {
  const folder = temporaryFolder();
  await killed((await lockInChild(folder)).child);
  const contenders = await Promise.all(Array.from({ length: 8 }, () => lockInChild(folder)));
  const winner = contenders.find(({ output }) => output === 'acquired');
  const losers = contenders.filter((contender) => contender !== winner);
  expect(losers.map(({ output }) => output)).toEqual(
    Array(7).fill(expect.stringContaining(`in use by pid ${winner?.child.pid} `)),
  );
});

test('exactly one of 20 concurrent attempts acquires a new, dead or released lock', async () => {
  const folder = temporaryFolder();
  const log = createMemoryLog();
  const contend = async () => {
    const attempts = Array.from({ length: 20 }, () => acquireLock(folder, createFakeClock(Date.now()), log));
    const results = await Promise.allSettled(attempts);
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [String(result.reason)] : [],
    );
    expect(taken).toHaveLength(1);
    expect(refused).toEqual(Array(19).fill(expect.stringContaining(`in use by pid ${process.pid}`)));
    return taken[0];
  };
  await (await contend())?.release();
  for (let round = 0; round < 10; round++) {
    await (await contend())?.release();
    const file = join(folder, (await locksIn(folder)).at(-1) ?? '');
    // A connection to a socket without a listener is refused, as with a dead process.
    const socket = '.lock-00.socket';
    await rm(join(folder, socket), { force: true });
    await writeFile(join(folder, socket), '');
    await writeFile(file, JSON.stringify({ pid: 1, host: hostname(), bootId: '', since: '', socket }));
  }
  await (await contend())?.release();
  expect(await locksIn(folder)).toEqual(['lock.12']);
  // No attempt watches the lock of a dead process whose socket the next holder has just removed.
  expect(log.lines).toEqual([]);
});

test('concurrent acquisitions and releases never grant the lock twice', async () => {
  const folder = temporaryFolder();
  let holders = 0;
  let turns = 0;
  const visit = async (): Promise<void> => {
    const taken = await acquireLock(folder, createFakeClock(Date.now())).catch(() => undefined);
    if (!taken) return;
    holders++;
    turns++;
    expect(holders).toBe(1);
    await stat(folder);
    holders--;
    await taken.release();
  };
  const visitor = async (): Promise<void> => {
    for (let visits = 0; visits < 40; visits++) await visit();
  };
  await Promise.all(Array.from({ length: 10 }, visitor));
  expect(turns).toBeGreaterThan(1);
});

test('a released lock is free, releasing is idempotent, and no file is left behind', async () => {
  const folder = temporaryFolder();
  const first = await acquireLock(folder, createFakeClock());
  await Promise.all([first.release(), first.release()]);
  const second = await lock(folder);
  await first.release();
  await expect(acquireLock(folder, createFakeClock())).rejects.toThrow('in use');
  expect(await locksIn(folder)).toEqual(['lock.2']);
  expect(await readdir(folder)).toHaveLength(2);
  expect(second.lost).toBe(false);
});

test('a lock that cannot be marked as released is dead for the next holder, who does not watch it', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock(Date.now());
  const acquired = await acquireLock(folder, clock);
  const socket = (await readdir(folder)).find((name) => name.endsWith('.socket')) ?? '';
  // The mark is written to this file first; a full disk fails in the same place.
  const draft = join(folder, socket.replace('.socket', ''));
  await mkdir(draft);
  await expect(acquired.release()).rejects.toThrow('cannot release the lock');
  expect(await readdir(folder)).toContain(socket);
  await rmdir(draft);
  const log = createMemoryLog();
  const next = await acquireLock(folder, clock, log);
  expect([next.afterRelease, next.generation, log.lines]).toEqual([false, 2, []]);
  await next.release();
  expect(await readdir(folder)).toEqual(['lock.2']);
});

test('a release stops the heartbeat', async () => {
  const clock = createFakeClock();
  const taken = await acquireLock(temporaryFolder(), clock);
  expect(clock.pending).toBe(1);
  await taken.release();
  expect(clock.pending).toBe(0);
});

test('reports to the next holder whether the lock was released cleanly', async () => {
  const folder = temporaryFolder();
  const outcomes: boolean[] = [];
  for (const cleanShutdown of [true, false, true]) {
    const taken = await acquireLock(folder, createFakeClock());
    outcomes.push(taken.afterRelease);
    await taken.release(cleanShutdown);
  }
  await deadLock(folder);
  const last = await lock(folder);
  expect([...outcomes, last.afterRelease]).toEqual([false, true, false, false]);
});

test('the holder sends a heartbeat every 10 s', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await lock(folder, clock);
  const taken = clock.now();
  clock.advance(10_000);
  await vi.waitFor(async () => {
    expect((await stat(join(folder, 'lock.1'))).mtimeMs).toBeCloseTo(taken + 10_000, -1);
  });
});

test('a holder that was stopped for too long notices the loss of its lock, and does not acquire it again', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  const first = await acquireLock(folder, clock);
  await writeFile(join(folder, 'lock.1'), '{"released":true}');
  await lock(folder, createFakeClock());
  expect(await locksIn(folder)).toEqual(['lock.2']);
  clock.advance(10_000);
  await vi.waitFor(() => expect(first.lost).toBe(true));
  await first.release();
  expect(await locksIn(folder)).toEqual(['lock.2']);
});

test('names a missing folder', async () => {
  const folder = temporaryFolder();
  await rm(folder, { recursive: true });
  const refused = acquireLock(folder, createFakeClock());
  await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(refused).rejects.toThrow(`cannot lock the store ${folder}: ENOENT`);
});
