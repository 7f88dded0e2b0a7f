import { expect, test } from 'vitest';
import { createGroupCommit } from '../../../src/store/lowdb/group-commit.ts';

test('long lines that wait for a slow disk are bounded, and one that is longer is written alone', async () => {
  const written: number[] = [];
  const writer = createGroupCommit({
    append: async (lines) => {
      written.push(lines.length);
      return 1;
    },
  });
  const longest = 'x'.repeat(40 * 1024 * 1024);
  const long = longest.slice(0, 8 * 1024 * 1024);
  const add = (line: string): Promise<void> => writer.add(line, () => {});
  const accepted = [long, long, long, long].map(add);
  await expect(add('x')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
  await Promise.all(accepted);
  await Promise.all([add(longest), expect(add('x')).rejects.toThrow('1 operations wait for the disk')]);
  await add('x');
  expect(written).toEqual([4, 1, 1]);
});
