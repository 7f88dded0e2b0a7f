// Installs the packages and builds dist when something has changed; otherwise silent and quick. Runs before `npm start`,
// `npm test` and `npm pack`, in plain JavaScript, because nothing is installed yet.

import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { buildStamp, buildStampFile, installStamp, installStampFile, readStamp } from './stamps.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const needsInstall = () => readStamp(root, installStampFile) !== installStamp(root);
const needsBuild = () => readStamp(root, buildStampFile) !== buildStamp(root);

/**
 * Installs what package-lock.json pins, without changing it. Not `npm ci`, which refuses a lock file when the registry
 * lacks a package for another platform (npm/cli#9846).
 */
const installArgs = [
  'install',
  '--no-save',
  // No package needs its install scripts.
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  // Override options inherited from an outer npm: `npm install -g .`, `npm pack --dry-run`, NODE_ENV.
  '--location=project',
  '--global=false',
  '--dry-run=false',
  '--include=dev',
];

function install() {
  process.stderr.write('installing packages…\n');
  const { status, error, stdout, stderr } = spawnSync('npm', installArgs, { cwd: root, encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`npm install failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  // By a rename, so that a hard-linked copy of the checkout keeps its own file.
  const file = join(root, installStampFile);
  writeFileSync(`${file}.new`, installStamp(root));
  renameSync(`${file}.new`, file);
}

async function setup() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`swob needs Node 20.19 or later; this is ${process.versions.node}`);
  }
  if (!needsInstall() && !needsBuild()) return;
  await withLock(root, async () => {
    if (needsInstall()) install();
    // Computed before the build, so that a change during it causes another build.
    const stamp = buildStamp(root);
    if (readStamp(root, buildStampFile) === stamp) return;
    const { build } = await import('./build.mjs');
    await build(root, stamp);
  });
}

try {
  await setup();
} catch (error) {
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
}
