// The new space of a daemon keeps its size, whatever survives a collection, also after idle time. In
// separate processes, because V8's flags apply to the whole process.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';

/** The JSON that a script logs. `size()` is the size of the new space in MB. */
const run = async (script: string, ...options: readonly string[]): Promise<unknown[]> => {
  const program = `
    import { Session } from 'node:inspector/promises';
    import { getHeapSpaceStatistics } from 'node:v8';
    import { tuneNewSpace } from ${JSON.stringify(resolve('src/app/new-space.ts'))};
    const size = () =>
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1024 / 1024;
    ${script}
  `;
  const args = [...options, '--import', 'tsx', '--input-type=module', '-e', program];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: resolve('.') });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

/** Two halves of 8 MB, or of up to 12 MB where loading TypeScript has grown it before. */
const busySizes = { min: 16, max: 24 };

test('the new space does not grow before the first requests, as it does by default', async () => {
  /** The largest size under the load of fifty concurrent requests: their objects survive some collections, but not many. */
  const grow = (first: string) => `
    ${first}
    const requests = [];
    let largest = 0;
    for (let count = 0; count < 100_000; count++) {
      requests[count % 50] = Array.from({ length: 40 }, (_, index) => ({ index, next: [count] }));
      if (count % 1_000 === 0) largest = Math.max(largest, size());
    }
    console.log(JSON.stringify([largest]));
  `;
  const [[idle], [usual]] = await Promise.all([run(grow('tuneNewSpace();')), run(grow(''))]);
  // Not by its size at the start, of which Node 26 reports the pages in use.
  expect(Number(idle)).toBeLessThanOrEqual(Number(usual) / 2);
});

test('the new space doubles once under load', async () => {
  const largest = await run(`
    const onWork = tuneNewSpace();
    const requests = [];
    let largest = 0;
    for (let count = 0; count < 100_000; count++) {
      requests[count % 50] = Array.from({ length: 40 }, (_, index) => ({ index, next: [count] }));
      onWork();
      if (count % 1_000 === 0) largest = Math.max(largest, size());
    }
    console.log(largest);
  `);
  expect(largest).toBeGreaterThanOrEqual(busySizes.min);
  expect(largest).toBeLessThanOrEqual(busySizes.max);
});

test('the new space that V8 shrank when idle is restored under load', async () => {
  // V8 does the same itself after some idle seconds.
  const sizes = await run(`
    const onWork = tuneNewSpace();
    const session = new Session();
    session.connect();
    await session.post('HeapProfiler.collectGarbage');
    const quiet = size();
    for (let work = 0; work < 1_000; work++) onWork();
    console.log(JSON.stringify([quiet, size()]));
  `);
  expect(sizes).toEqual([expect.toSatisfy((quiet) => Number(quiet) <= 2), 8]);
});

test('a new space that V8 keeps smaller, as where there is little memory, is not filled at each check', async () => {
  const [first, later] = await run(
    `
    import { PerformanceObserver } from 'node:perf_hooks';
    const starts = [];
    const observer = new PerformanceObserver((list) => {
      starts.push(...list.getEntries().map(({ startTime }) => startTime));
    });
    observer.observe({ entryTypes: ['gc'] });
    const onWork = tuneNewSpace();
    for (let work = 0; work < 1_000; work++) onWork();
    const filled = performance.now();
    for (let work = 0; work < 20_000; work++) onWork();
    // Node reports collections in later turns, and not all in one.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    const first = starts.filter((start) => start < filled).length;
    console.log(JSON.stringify([first, starts.length - first]));
  `,
    '--max-semi-space-size=1',
  );
  expect(Number(first)).toBeGreaterThan(5);
  // Each of the 20 checks would collect as often; one does where V8 has shrunk the space meanwhile.
  expect(Number(later)).toBeLessThan(3 * Number(first));
});
