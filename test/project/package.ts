// Packs the project as a release is packed. Used by the tests of the package, of its installation and of docs/testing.md.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { oncePerRun } from '../support/once-per-run.ts';
import { freshCopy } from './page-commands.ts';

interface PackedProject {
  readonly tarball: string;
  /** The copy of the checkout that was packed. */
  readonly checkout: string;
}

/** Once for all tests of a run, which do not change it: copying and packing take four seconds of CPU time. */
export function packProject(): Promise<PackedProject> {
  return oncePerRun('package', async (folder) => {
    const checkout = await freshCopy({ built: true, folder: join(folder, 'checkout') });
    // With its scripts, as a release is packed: they build, and write the shrinkwrap.
    execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: checkout, stdio: 'pipe' });
    const name = readdirSync(folder).find((each) => each.endsWith('.tgz'));
    if (name === undefined) throw new Error('npm pack has written no tarball');
    return { tarball: join(folder, name), checkout };
  });
}
