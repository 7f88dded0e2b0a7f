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
  const program = `
    import { limitCollectorThreads } from ${JSON.stringify(resolve('src/app/collector-threads.ts'))};
    limitCollectorThreads(1, 1);
    let live = [];
    for (let count = 0; count < 3_000_000; count++) {
      if (count % 500_000 === 0) live = [];
      live.push({ count });
    }
    const { heapUsed } = process.memoryUsage();
    console.log(heapUsed < 150_000_000);
  `;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: resolve('.') });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'true\n', stderr: '' });
});
