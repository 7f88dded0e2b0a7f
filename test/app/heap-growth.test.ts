// The heap doubles between two full collections. In separate processes, because V8's flags apply to the whole process.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';

/** How many times as large the heap was at a full collection as after the one before. */
async function growth(first: string): Promise<number> {
  // Each array becomes old before it is garbage; those that are live take 16 MB.
  const program = `
    import { letHeapDouble } from ${JSON.stringify(resolve('src/app/heap-growth.ts'))};
    ${first}
    const live = new Array(2_000);
    const fill = (times) => {
      for (let count = 0; count < times; count++) live[count % live.length] = new Array(1_000).fill(count);
    };
    fill(2_000);
    gc();
    console.log('measured');
    fill(18_000);
  `;
  const flags = ['--trace-gc', '--expose-gc', '--max-semi-space-size=1'];
  const args = [...flags, '--import', 'tsx', '--input-type=module', '-e', program];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: resolve('.') });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const sizes = (text = '') => [...text.matchAll(/Mark-Compact.*? ([\d.]+) \([\d.]+\) -> ([\d.]+) /g)];
  const [before, after] = stdout.split('measured').map(sizes);
  return Number(after?.[0]?.[1]) / Number(before?.at(-1)?.[2]);
}

test('the heap about doubles between two full collections, even where V8 would let it grow further', async () => {
  const [own, usual] = await Promise.all([growth('letHeapDouble();'), growth('')]);
  // What is allocated while V8 marks comes on top.
  expect(own).toBeGreaterThan(1.5);
  expect(own).toBeLessThan(usual * 0.85);
});
