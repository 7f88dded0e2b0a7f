// Packs the project as a release is packed. Used by the tests of the package and of docs/testing.md.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freshCopy } from './page-commands.ts';

/** Writes the tarball into `folder`, from a copy of the checkout in `folder/checkout`. @returns its path */
export async function packProject(folder: string): Promise<string> {
  const checkout = await freshCopy({ built: true, folder: join(folder, 'checkout') });
  // With its scripts, as a release is packed: they build, and write the shrinkwrap.
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: checkout, stdio: 'pipe' });
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
}
