// Several values for a key: in their order, once each, and gone when they are deleted.

import { expect, test } from 'vitest';
import { createMultimap } from '../../src/lib/multimap.ts';

test('a key has each of its values once, in the order in which they were added', () => {
  const map = createMultimap<object>();
  const [first, second] = [{ n: 1 }, { n: 2 }];
  for (const value of [first, first, second, second, first]) map.add('a', value);
  map.add('b', second);
  expect([[...map.get('a')], [...map.get('b')], [...map.get('c')]]).toEqual([[first, second], [second], []]);
});

test('deleting a value leaves the others, and a value that a key does not have is ignored', () => {
  const map = createMultimap<object>();
  const [first, second] = [{ n: 1 }, { n: 2 }];
  map.add('a', first);
  map.delete('a', second);
  map.delete('b', second);
  expect([...map.get('a')]).toEqual([first]);
  map.add('a', second);
  map.delete('a', first);
  expect([...map.get('a')]).toEqual([second]);
  map.delete('a', second);
  expect([...map.get('a')]).toEqual([]);
  map.add('a', first);
  map.clear();
  expect([...map.get('a')]).toEqual([]);
});
