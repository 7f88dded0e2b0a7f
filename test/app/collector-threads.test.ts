import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { limitCollectorThreads } from '../../src/app/collector-threads.ts';
import { runProcess } from '../support/binary.ts';

test.each([
  [1, 1, true],
  [2, 1, false],
  [2, 2, true],
  [2, 4, true],
  [4, 2, false],
])(
  'with %i cores for %i processes, whether the collector has no helper threads: %s',
  (cores, processes, isLimited) => {
    const set: string[] = [];
    limitCollectorThreads(cores, processes, (flag) => set.push(flag));
    expect(set).toEqual(isLimited ? ['--no-parallel-scavenge', '--no-concurrent-marking'] : []);
  },
);

test('V8 knows the flags, and collects garbage with them', async () => {
  // Each array becomes old before it is garbage: 800 MB in all, 16 of them at a time.
  const program = `
    import { limitCollectorThreads } from ${JSON.stringify(resolve('src/app/collector-threads.ts'))};
    limitCollectorThreads(1, 1);
    const live = new Array(2_000);
    for (let count = 0; count < 100_000; count++) live[count % live.length] = new Array(1_000).fill(count);
  `;
  const args = ['--trace-gc', '--import', 'tsx', '--input-type=module', '-e', program];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: resolve('.') });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Scavenge');
  expect(stdout).toContain('Mark-Compact');
});
