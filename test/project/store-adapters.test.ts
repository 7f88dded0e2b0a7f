// A store adapter is known to its own folder and to the composition root's list alone, so that a new one touches nothing else.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { importsOf } from './rules.ts';

const list = 'src/app/compose/store-adapters.ts';
/** What all adapters share, and what serves one to other processes. */
const shared = ['archive', 'lock', 'remote'];
const kinds = readdirSync('src/store', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !shared.includes(entry.name))
  .map(({ name }) => name);
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => posix.join('src', name));

test('every adapter has a descriptor, which the composition root lists', () => {
  const text = readFileSync(list, 'utf8');
  for (const kind of kinds) expect(text).toContain(`'../../store/${kind}/adapter.ts'`);
});

test('outside src/store only that list imports from the folder of an adapter', () => {
  const importers = sources.filter((path) => {
    if (path.startsWith('src/store/')) return false;
    const targets = importsOf(readFileSync(join(path), 'utf8')).map(({ target }) =>
      posix.join(posix.dirname(path), target),
    );
    return targets.some((target) => kinds.some((kind) => target.startsWith(`src/store/${kind}/`)));
  });
  expect(importers).toEqual([list]);
});
