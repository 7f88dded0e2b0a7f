// The list of tests that also run on a second version of Node.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeDependent } from './node-dependent.ts';

const paths = nodeDependent.flatMap((group) => group.paths);

test('the list has only existing files of tests and folders with tests, each of them once', () => {
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths) {
    expect([path, existsSync(path)]).toEqual([path, true]);
    const files = path.endsWith('/') ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [path];
    expect(files.filter((name) => name.endsWith('.test.ts'))).not.toEqual([]);
    expect(paths.filter((other) => path !== other && path.startsWith(other))).toEqual([]);
  }
});

test('every module of Node that src imports has tests in the list', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  );
  const imported = files.flatMap((name) =>
    // An import of types alone calls nothing.
    [
      ...readFileSync(join('src', name), 'utf8').matchAll(
        /^(?:import (?!type\b)[^;]*?from |.*\bimport\()'node:([\w/]+)'/gm,
      ),
    ].map(([, module = '']) => module),
  );
  const covered = nodeDependent.flatMap(({ modules }) => modules);
  expect([...new Set(covered)].sort()).toEqual([...new Set(imported)].sort());
});

test('.ci/run uses the list with the other versions of Node alone', () => {
  const lines = readFileSync('.ci/run', 'utf8')
    .split('\n')
    .filter((line) => /^[^#]*\blogged (?!\()/.test(line));
  expect(lines.map((line) => line.includes('TEST_SCOPE=node'))).toEqual([false, false, true, true]);
});

test('the folders that .ci/run chooses for the current release are in the list', () => {
  const [, chosen = ''] = /--tests-only \\\n(.*)\n/.exec(readFileSync('.ci/run', 'utf8')) ?? [];
  const folders = chosen.trim().split(' ');
  expect(folders.length).toBeGreaterThan(5);
  for (const folder of folders) {
    expect([folder, paths.filter((path) => path.startsWith(`${folder}/`)).length > 0]).toEqual([
      folder,
      true,
    ]);
  }
});
