// Every installed package must run on the oldest Node that package.json supports.

import { readFileSync } from 'node:fs';
import { minVersion, satisfies } from 'semver';
import { expect, test } from 'vitest';

interface Locked {
  readonly version: string;
  readonly engines?: { readonly node?: string };
}

// npm documents this form.
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const oldest = minVersion(lock.packages['']?.engines?.node ?? '')?.version ?? '';

function refusing(version: string, candidates: typeof packages): string[] {
  return candidates
    .filter(([, { engines }]) => engines?.node !== undefined && !satisfies(version, engines.node))
    .map(([path, locked]) => `${path} ${locked.version} wants Node ${locked.engines?.node}`);
}

test('the oldest Node is the one that README and setup name', () => {
  expect(oldest).toBe('20.19.0');
});

test('every package accepts the oldest Node', () => {
  expect(packages.length).toBeGreaterThan(100);
  expect(refusing(oldest, packages)).toEqual([]);
});

test('a package that needs a newer Node is reported', () => {
  const newer: typeof packages = [['node_modules/cookie', { version: '2.0.2', engines: { node: '>=22' } }]];
  expect(refusing(oldest, newer)).toEqual(['node_modules/cookie 2.0.2 wants Node >=22']);
});
