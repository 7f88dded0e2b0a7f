// What is installed must run on the oldest Node that package.json promises.

import { readFileSync } from 'node:fs';
import { minVersion, satisfies } from 'semver';
import { expect, test } from 'vitest';

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly engines?: { readonly node?: string };
}

// Sound: npm writes the file in this form.
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

test('every package, for use and for development, accepts the oldest Node', () => {
  expect(packages.filter(([, { dev }]) => !dev).length).toBeGreaterThan(22);
  expect(refusing(oldest, packages)).toEqual([]);
});

test('a package that wants a newer Node would be found', () => {
  const newer: typeof packages = [['node_modules/cookie', { version: '2.0.2', engines: { node: '>=22' } }]];
  expect(refusing(oldest, newer)).toEqual(['node_modules/cookie 2.0.2 wants Node >=22']);
});
