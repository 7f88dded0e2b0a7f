// Writes npm-shrinkwrap.json for `npm pack`, and removes it again with `--remove`. The package has no dependencies, as all
// that it uses is bundled, and the shrinkwrap says so: an install can add nothing to what was tested. The file is not
// kept in the repository, where npm would read it in place of package-lock.json.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, 'npm-shrinkwrap.json');

if (process.argv.includes('--remove')) rmSync(file, { force: true });
else {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { name, version, license, bin, engines, dependencies } = manifest;
  if (dependencies) throw new Error('package.json has dependencies: the shrinkwrap has to pin them');
  const shrinkwrap = {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name, version, license, bin, engines } },
  };
  writeFileSync(file, `${JSON.stringify(shrinkwrap, null, 2)}\n`);
}
