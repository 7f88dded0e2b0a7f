// The space for young objects of a daemon stays small, whatever outlives a collection. In a process of its own: V8's flags
// are the whole process's.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';

/** Says how large the space has become while 60 MB of objects came into being, of which all stayed alive. */
const grow = (first: string) => `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { keepYoungObjectsCheap } from ${JSON.stringify(resolve('src/app/young-objects.ts'))};
  ${first}
  const kept = Array.from({ length: 1_000_000 }, (_, index) => ({ index, next: [index] }));
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  console.log(kept.length === 1_000_000 && space_size / 1024 / 1024);
`;

const sizeAfter = async (first: string): Promise<number> => {
  const args = ['--import', 'tsx', '--input-type=module', '-e', grow(first)];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: resolve('.') });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return Number(stdout);
};

test('the space for young objects grows no more, and to many times that without us', async () => {
  const [ours, usual] = await Promise.all([sizeAfter('keepYoungObjectsCheap();'), sizeAfter('')]);
  // Two halves of 4 MB, or of 8 where what loads TypeScript has had it grow before.
  expect([8, 16]).toContain(ours);
  expect(usual).toBeGreaterThan(ours);
});
