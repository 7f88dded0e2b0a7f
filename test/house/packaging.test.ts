// What `npm pack` and `npm install -g` would take along.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';

test('the package holds the command, its build, and what an install needs, and nothing else', () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const output = execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  // Sound: npm documents this form.
  const [listing] = JSON.parse(output) as { files: { path: string }[] }[];
  const paths = (listing?.files ?? []).map(({ path }) => path);

  const allowed =
    /^(package\.json|README\.md|LICENSE|bin\/swob|confs\/(example\.conf\.ini|(install|systemd)\/.+)|scripts\/(un)?install|dist\/.+)$/;
  expect(paths.filter((path) => !allowed.test(path))).toEqual([]);
  expect(paths).toContain('bin/swob');
  expect(paths).toContain('confs/example.conf.ini');
  for (const path of [
    'scripts/install',
    'scripts/uninstall',
    'confs/install/conf.ini',
    'confs/systemd/swob.service',
  ])
    expect(paths).toContain(path);
  if (existsSync('dist')) expect(paths).toContain('dist/cli/main.js');
});
