import { expect, test } from 'vitest';
import { dropOldest } from '../../src/lib/drop-oldest.ts';

test('removes the first entries until as many as allowed are left', () => {
  const map = new Map([1, 2, 3, 4, 5].map((key) => [key, `${key}`]));
  dropOldest(map, 5);
  expect(map.size).toBe(5);
  map.delete(1);
  map.set(1, 'again');
  dropOldest(map, 2);
  expect([...map.keys()]).toEqual([5, 1]);
  dropOldest(map, 0);
  expect(map.size).toBe(0);
});
