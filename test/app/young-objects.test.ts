// The space for young objects of a daemon has one size, whatever outlives a collection, and again after a quiet time. In
// processes of their own: V8's flags are the whole process's.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';

/** What a script logs, as JSON. `size()` is that of the space, in MB. */
const run = async (script: string): Promise<unknown> => {
  const whole = `
    import { Session } from 'node:inspector/promises';
    import { getHeapSpaceStatistics } from 'node:v8';
    import { keepYoungObjectsCheap } from ${JSON.stringify(resolve('src/app/young-objects.ts'))};
    const size = () =>
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1024 / 1024;
    ${script}
  `;
  const args = ['--import', 'tsx', '--input-type=module', '-e', whole];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: resolve('.') });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

/** Two halves of 4 MB, or of 8 where what loads TypeScript has had it grow before. */
const ours = [8, 16];

test('the space for young objects grows no more, and to many times that without us', async () => {
  /** 60 MB of objects come into being, of which all stay alive. */
  const grow = (first: string) => `
    ${first}
    const kept = Array.from({ length: 1_000_000 }, (_, index) => ({ index, next: [index] }));
    console.log(kept.length === 1_000_000 && size());
  `;
  const [limited, usual] = await Promise.all([run(grow('keepYoungObjectsCheap();')), run(grow(''))]);
  expect(ours).toContain(limited);
  expect(usual).toBeGreaterThan(Number(limited));
});

test('what V8 has given back in a quiet time is there again when there is work', async () => {
  // As V8 does it by itself after some seconds without work.
  const sizes = await run(`
    const onWork = keepYoungObjectsCheap();
    const session = new Session();
    session.connect();
    await session.post('HeapProfiler.collectGarbage');
    const quiet = size();
    for (let work = 0; work < 1_000; work++) onWork();
    console.log(JSON.stringify([quiet, size()]));
  `);
  expect(sizes).toEqual([expect.toSatisfy((quiet) => Number(quiet) <= 2), 8]);
});
