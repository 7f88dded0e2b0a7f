import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { acquireLock, type Lock } from '../../src/store/lock.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';

const locksIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('lock.')).sort();

/** Another process that takes the lock, if it can, and says what came of it. */
async function lockInChild(folder: string): Promise<{ child: ChildProcess; says: string }> {
  const script = `
    import { acquireLock } from ${JSON.stringify(new URL('../../src/store/lock.ts', import.meta.url).href)};
    const clock = { now: Date.now, monotonic: () => performance.now(), after: () => () => {}, every: () => () => {} };
    try { await acquireLock(${JSON.stringify(folder)}, clock); console.log('taken'); }
    catch (error) { console.log(error.code + ' ' + error.message); }
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [says] = await once(child.stdout, 'data');
  return { child, says: String(says).trim() };
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Takes it; lets go when the test is over. */
async function lock(folder: string, clock = createFakeClock(Date.now())): Promise<Lock> {
  const taken = await acquireLock(folder, clock);
  onTestFinished(() => taken.release());
  return taken;
}

/** Changes what the newest lock file says of its holder. */
async function rewrite(folder: string, change: object): Promise<string> {
  const file = join(folder, (await locksIn(folder)).at(-1) ?? '');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...change }));
  return file;
}

test('a second taker is told who holds it since when and what to do', async () => {
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

test("another process's lock holds, and is free at once when that is killed", async () => {
  const folder = temporaryFolder();
  const { child, says } = await lockInChild(folder);
  expect(says).toBe('taken');
  await expect(acquireLock(folder, createFakeClock(Date.now()))).rejects.toThrow(
    `in use by pid ${child.pid} `,
  );
  await killed(child);
  await lock(folder);
  expect(await locksIn(folder)).toEqual(['lock.2']);
});

test('of many processes that want a dead lock exactly one gets it', async () => {
  const folder = temporaryFolder();
  await killed((await lockInChild(folder)).child);
  const contenders = await Promise.all(Array.from({ length: 8 }, () => lockInChild(folder)));
  const said = contenders.map(({ says }) => says);
  const winner = contenders.find(({ says }) => says === 'taken');
  expect(said.filter((says) => says === 'taken')).toHaveLength(1);
  expect(said.filter((says) => says.includes(`in use by pid ${winner?.child.pid} `))).toHaveLength(7);
});

test('of 20 takers at once exactly one gets a new, a dead or a released lock', async () => {
  const folder = temporaryFolder();
  const contend = async () => {
    const attempts = Array.from({ length: 20 }, () => acquireLock(folder, createFakeClock(Date.now())));
    const results = await Promise.allSettled(attempts);
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [String(result.reason)] : [],
    );
    expect(taken).toHaveLength(1);
    expect(refused).toEqual(Array(19).fill(expect.stringContaining(`in use by pid ${process.pid}`)));
    return taken[0];
  };
  await contend();
  for (let round = 0; round < 10; round++) {
    await rewrite(folder, { startTime: 'of an earlier process with this pid' });
    const winner = await contend();
    await winner?.release();
    await contend();
  }
  expect(await locksIn(folder)).toEqual(['lock.21']);
});

test('taking and releasing by many at once never gives it to two', async () => {
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

test('a released lock is free, releasing twice is releasing once, and nothing is left behind', async () => {
  const folder = temporaryFolder();
  const first = await acquireLock(folder, createFakeClock());
  await Promise.all([first.release(), first.release()]);
  const second = await lock(folder);
  await first.release();
  await expect(acquireLock(folder, createFakeClock())).rejects.toThrow('in use');
  expect(await readdir(folder)).toEqual(['lock.2']);
  expect(second.lost).toBe(false);
});

test('a release stops the signs of life', async () => {
  const clock = createFakeClock();
  const taken = await acquireLock(temporaryFolder(), clock);
  expect(clock.pending).toBe(1);
  await taken.release();
  expect(clock.pending).toBe(0);
});

test("a pid that is another process's now holds nothing", async () => {
  const folder = temporaryFolder();
  await acquireLock(folder, createFakeClock(Date.now()));
  await rewrite(folder, { startTime: '1' });
  await lock(folder);
});

test.each([
  ['another host', { host: 'elsewhere' }],
  ['another boot', { bootId: 'an earlier one' }],
  ['another container', { pidSpace: 'pid:[1]' }],
])('the lock of %s holds until 30 s without a sign of life', async (_name, change) => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await acquireLock(folder, createFakeClock());
  const file = await rewrite(folder, { ...change, pid: 1 });
  await utimes(file, clock.now() / 1_000, clock.now() / 1_000);
  clock.advance(29_900);
  const refused = acquireLock(folder, clock);
  await expect(refused).rejects.toThrow('in use by pid 1 on host');
  await expect(refused).rejects.toThrow('wait 30 s');
  clock.advance(200);
  await lock(folder, clock);
});

test('a garbled lock file holds until it is 30 s old', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await writeFile(join(folder, 'lock.7'), '{"pid":');
  await utimes(join(folder, 'lock.7'), clock.now() / 1_000, clock.now() / 1_000);
  await expect(acquireLock(folder, clock)).rejects.toThrow('in use by an unreadable lock.7');
  clock.advance(30_001);
  await lock(folder, clock);
  expect(await locksIn(folder)).toEqual(['lock.8']);
});

test('a holder gives a sign of life every 10 s', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await lock(folder, clock);
  const taken = clock.now();
  clock.advance(10_000);
  await vi.waitFor(async () => {
    expect((await stat(join(folder, 'lock.1'))).mtimeMs).toBeCloseTo(taken + 10_000, -1);
  });
});

test('a holder that was halted for too long notices that it has lost the lock, and does not take it back', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  const first = await acquireLock(folder, clock);
  const file = await rewrite(folder, { host: 'elsewhere' });
  await utimes(file, 0, 0);
  await lock(folder, createFakeClock());
  expect(await locksIn(folder)).toEqual(['lock.2']);
  clock.advance(10_000);
  await vi.waitFor(() => expect(first.lost).toBe(true));
  await first.release();
  expect(await locksIn(folder)).toEqual(['lock.2']);
});

test('a folder that is gone is named', async () => {
  const folder = temporaryFolder();
  await rm(folder, { recursive: true });
  const refused = acquireLock(folder, createFakeClock());
  await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(refused).rejects.toThrow(`cannot lock the store ${folder}: ENOENT`);
});
