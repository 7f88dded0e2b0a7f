// Whether a lock is still held: locks of killed processes, of other boots, hosts and containers, and unreadable ones.

import { once } from 'node:events';
import { utimesSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { acquireLock as acquire } from '../../../src/store/lock/lock.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { needs } from '../../support/needs.ts';
import { acquireLock, deadLock, killed, lock, lockInChild, locksIn, settled } from './support.ts';

test('a killed process holds no lock, whichever boot or host its lock names', async () => {
  const folder = temporaryFolder();
  for (const change of [
    {},
    { bootId: 'an earlier one' },
    { host: 'elsewhere', bootId: 'an earlier one' },
    { pid: 1 },
  ]) {
    await deadLock(folder, change);
    const clock = createFakeClock(0);
    const taken = await acquireLock(folder, clock);
    expect(clock.monotonic()).toBe(0);
    await taken.release();
  }
});

test('a lock of an earlier version of swob and an earlier boot is not held', async () => {
  const folder = temporaryFolder();
  await deadLock(folder, {
    socket: undefined,
    bootId: 'an earlier one',
    pidSpace: 'pid:[1]',
    startTime: '1',
  });
  await lock(folder, createFakeClock(0));
});

test.each([[''], ['{"pid":'], ['\u0000\u0000']])('a lock with the content %j is not held', async (text) => {
  const folder = temporaryFolder();
  await writeFile(await deadLock(folder), text);
  await lock(folder, createFakeClock(0));
  expect(await locksIn(folder)).toEqual(['lock.2']);
});

test('an unreadable lock is held while its holder runs', async () => {
  const folder = temporaryFolder();
  const holder = createFakeClock();
  await lock(folder, holder);
  await writeFile(join(folder, 'lock.1'), '');
  const clock = createFakeClock();
  clock.after(5_000, () => holder.advance(10_000));
  const { result } = await settled(acquireLock(folder, clock), clock);
  expect(String(result.status === 'rejected' && result.reason)).toContain('in use by an unreadable lock.1');
});

test.each([
  ['whose socket is gone', { socket: '.lock-00.socket' }],
  ['of an earlier version of swob', { socket: undefined, pidSpace: 'pid:[1]', startTime: '1' }],
  ['of another host, of an earlier version', { socket: undefined, host: 'elsewhere', bootId: 'b' }],
])('a lock %s is observed for 30 s, and acquired when it has no heartbeat', async (_name, change) => {
  const folder = temporaryFolder();
  await deadLock(folder, change);
  // Without a battery-backed clock the lock may have a modification time in the future.
  const clock = createFakeClock(0);
  const { result, ms } = await settled(lock(folder, clock), clock);
  expect(result.status).toBe('fulfilled');
  expect(ms).toBeGreaterThanOrEqual(30_000);
  expect(ms).toBeLessThan(60_000);
});

test('a lock that its holder touches is held; one that is released meanwhile is acquired', async () => {
  const folder = temporaryFolder();
  const file = await deadLock(folder, { socket: undefined });
  const log = createMemoryLog();
  const clock = createFakeClock();
  clock.after(20_000, () => utimesSync(file, 1, 1));
  const { result, ms } = await settled(acquire(folder, clock, log), clock);
  expect(String(result.status === 'rejected' && result.reason)).toMatch(
    /in use by pid \d+ on host .*; stop it/,
  );
  expect(ms).toBeLessThan(30_000);
  expect(log.lines).toMatchObject([
    { level: 'warn', message: expect.stringContaining('watching its lock for 30 s') },
  ]);

  clock.after(20_000, () => writeFileSync(file, '{"released":true}'));
  const after = await settled(lock(folder, clock), clock);
  expect(after.result.status).toBe('fulfilled');
  expect(after.ms).toBeLessThan(30_000);
});

test('a process of another PID namespace holds its lock exactly as long as it runs, even while stopped', async (context) => {
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  needs(context, { mounts: true });
  const folder = temporaryFolder();
  const { child, output } = await lockInChild(folder, unshare);
  expect(output).toBe('acquired');
  const clock = createFakeClock();
  const held = expect.stringContaining(`the store ${folder} is in use by pid `);
  await expect(acquireLock(folder, clock)).rejects.toMatchObject({ message: held });
  const inside = Number(await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
  process.kill(inside, 'SIGSTOP');
  await expect(acquireLock(folder, clock)).rejects.toMatchObject({ message: held });
  await killed(child);
  await vi.waitFor(() => lock(folder, clock));
  expect(clock.monotonic()).toBe(0);
});

test('locks a folder whose path is too long for a socket', async () => {
  const folder = join(temporaryFolder(), 'x'.repeat(200));
  await mkdir(folder);
  await deadLock(folder);
  await lock(folder, createFakeClock(0));
  await expect(acquireLock(folder, createFakeClock(0))).rejects.toThrow('in use by pid');
});

test('the next holder removes the leftovers of killed processes, and none of a live one', async () => {
  const folder = temporaryFolder();
  await deadLock(folder);
  await writeFile(join(folder, '.lock-0b6f7c1e-5d3c-4c5e-9f5c-2f4a3d7b1c11'), '{}');
  const live = createServer().listen(join(folder, '.lock-aa.socket'));
  onTestFinished(() => void live.close());
  await once(live, 'listening');
  await writeFile(join(folder, '.lock-aa'), '{}');
  const taken = await acquireLock(folder, createFakeClock());
  const socket = JSON.parse(await readFile(join(folder, 'lock.2'), 'utf8')).socket;
  expect((await readdir(folder)).sort()).toEqual(['.lock-aa', '.lock-aa.socket', 'lock.2', socket].sort());
  await taken.release();
  expect((await readdir(folder)).sort()).toEqual(['.lock-aa', '.lock-aa.socket', 'lock.2']);
});
