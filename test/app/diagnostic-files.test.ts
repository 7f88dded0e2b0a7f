// docs/protocol.md, L10: at most one heap snapshot a day and two in all, which only their owner can read.

import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { limitDiagnosticFiles } from '../../src/app/diagnostic-files.ts';
import { runProcess } from '../support/binary.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';

const hour = 3_600_000;
const snapshot = (n: number) => `Heap.20261129.04332${n}.6376.0.00${n}.heapsnapshot`;
const report = (n: number) => `report.20261129.0433${n + 10}.6376.0.002.json`;

/** A folder with files of the given ages, and the result of a start. */
async function start(ages: Record<string, number>, snapshots = true) {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  for (const [name, age] of Object.entries(ages)) {
    writeFileSync(join(folder, name), '', { mode: 0o644 });
    utimesSync(join(folder, name), 0, (clock.now() - age) / 1_000);
  }
  const log = createMemoryLog();
  let allowed = false;
  const allowSnapshot = () => {
    allowed = true;
  };
  await limitDiagnosticFiles({ folder, snapshots, clock, log, allowSnapshot });
  const names = readdirSync(folder).sort();
  for (const name of names.filter((each) => each !== 'swob.log')) {
    expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
  }
  return { allowed, names, log };
}

test('the first snapshot is allowed, another after a day, and the oldest is deleted for it', async () => {
  expect(await start({})).toMatchObject({ allowed: true, names: [] });
  expect(await start({ [snapshot(1)]: 23 * hour })).toMatchObject({ allowed: false, names: [snapshot(1)] });
  expect(await start({ [snapshot(1)]: 24 * hour })).toMatchObject({ allowed: true, names: [snapshot(1)] });
  const all = { [snapshot(1)]: 90 * hour, [snapshot(2)]: 50 * hour, [snapshot(3)]: 25 * hour };
  expect(await start(all)).toMatchObject({ allowed: true, names: [snapshot(3)] });
  const recent = { [snapshot(1)]: 3 * hour, [snapshot(2)]: 2 * hour, [snapshot(3)]: hour };
  expect(await start(recent)).toMatchObject({ allowed: false, names: [snapshot(2), snapshot(3)] });
});

test('with snapshots off none is allowed, and old ones are deleted', async () => {
  const all = { [snapshot(1)]: 90 * hour, [snapshot(2)]: 50 * hour, [snapshot(3)]: 25 * hour };
  const names = [snapshot(2), snapshot(3)];
  expect(await start(all, false)).toMatchObject({ allowed: false, names, log: { lines: [] } });
});

test('a clock that was set back by days prevents no snapshot', async () => {
  expect(await start({ [snapshot(1)]: -hour })).toMatchObject({ allowed: false });
  expect(await start({ [snapshot(1)]: -48 * hour })).toMatchObject({ allowed: true });
});

test('keeps ten reports and does not touch other files', async () => {
  const reports = Array.from({ length: 13 }, (_, n) => report(n));
  const ages = Object.fromEntries(reports.map((name, n) => [name, (20 - n) * hour]));
  const { names } = await start({ ...ages, 'swob.log': hour });
  expect(names).toEqual([...reports.slice(3), 'swob.log']);
});

test('a missing folder is logged and prevents nothing', async () => {
  const log = createMemoryLog();
  await limitDiagnosticFiles({ folder: '/nowhere', snapshots: true, clock: createFakeClock(), log });
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { folder: '/nowhere' } }]);
});

test('out of memory under the options of /etc/default/swob: a heap snapshot and a report are written', async () => {
  const folder = temporaryFolder();
  const file = readFileSync('confs/install/default', 'utf8');
  const [, options = ''] = /^NODE_OPTIONS=(.*)$/m.exec(file) ?? [];
  expect(options).toContain('--diagnostic-dir=/var/log/swob');
  expect(file).toMatch(/^SWOB_OVERLOAD_HEAP_SNAPSHOTS=true$/m);
  const small = options
    .replaceAll('/var/log/swob', folder)
    .replace('--max-old-space-size=128', '--max-old-space-size=24');
  const module = join(temporaryFolder(), 'heap-snapshots.mjs');
  await build({
    entryPoints: ['src/app/diagnostic-files.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: module,
  });
  const script = `
    import { limitDiagnosticFiles } from ${JSON.stringify(module)};
    process.umask(0);
    const folder = ${JSON.stringify(folder)};
    await limitDiagnosticFiles({ folder, snapshots: true, clock: { now: Date.now }, log: console });
    // Numbers instead of objects: a snapshot of as many objects takes three times as long to write.
    const kept = [];
    setInterval(() => kept.push(Array.from({ length: 10_000 }, (_, n) => n + 0.5)), 1);`;
  const args = ['--input-type=module', '-e', script];
  const { code, signal } = await runProcess(process.execPath, args, {
    cwd: temporaryFolder(),
    env: { NODE_OPTIONS: small },
  });
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGABRT' });
  const names = readdirSync(folder).sort();
  expect(names).toEqual([
    expect.stringMatching(/^Heap\..*\.heapsnapshot$/),
    expect.stringMatching(/^report\..*\.json$/),
  ]);
  expect(statSync(join(folder, names[0] ?? '')).mode & 0o777).toBe(0o600);
  // Node's real file names count: the next start allows no other snapshot, and makes the report private.
  let again = false;
  const allowSnapshot = () => {
    again = true;
  };
  const clock = { now: Date.now };
  await limitDiagnosticFiles({ folder, snapshots: true, clock, log: createMemoryLog(), allowSnapshot });
  expect(again).toBe(false);
  expect(statSync(join(folder, names[1] ?? '')).mode & 0o777).toBe(0o600);
});
