// The list of tests that do not run on a second version of Node.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeIndependent } from './node-independent.ts';

const paths = nodeIndependent.flatMap((group) => group.paths);

test('the list has only existing files of tests and folders with tests, each of them once', () => {
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths) {
    expect([path, existsSync(path)]).toEqual([path, true]);
    const files = path.endsWith('/') ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [path];
    expect(files.filter((name) => name.endsWith('.test.ts'))).not.toEqual([]);
    expect(paths.filter((other) => path !== other && path.startsWith(other))).toEqual([]);
  }
});

test('tests of what differs between versions of Node are not in the list', () => {
  for (const path of ['test/http/', 'test/lib/', 'test/crypto/', 'test/sync/', 'test/process/serve.test.ts'])
    expect(paths.filter((listed) => path.startsWith(listed) || listed.startsWith(path))).toEqual([]);
});

test('.ci/run leaves the list out with the second version of Node alone', () => {
  const lines = readFileSync('.ci/run', 'utf8')
    .split('\n')
    .filter((line) => /^[^#]*\blogged (?!\()/.test(line));
  expect(lines.map((line) => line.includes('TEST_SCOPE=node'))).toEqual([false, true]);
});
