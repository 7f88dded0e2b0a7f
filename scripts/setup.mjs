// Installs the packages and builds dist when something changed since the last time; silent and quick when
// not. Runs before `npm start` and `npm test`, and as `prepare`; plain node, because nothing is installed yet.

import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { buildStamp, buildStampFile, installStamp, installStampFile, readStamp } from './stamps.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const needsInstall = () => readStamp(root, installStampFile) !== installStamp(root);
const needsBuild = () => readStamp(root, buildStampFile) !== buildStamp(root);

/** Whether npm has just installed and runs our `prepare`: it must not be started in there again. */
const afterInstall =
  process.env.npm_lifecycle_event === 'prepare' &&
  ['ci', 'install'].includes(process.env.npm_command ?? '') &&
  process.env.npm_config_global !== 'true' &&
  existsSync(join(root, 'node_modules', 'esbuild'));

/**
 * What package-lock.json says, which is left as it is. Not `npm ci`: that refuses a lock file when the registry
 * lacks a package for a platform that is not this one (npm/cli#9846).
 */
const installArgs = [
  'install',
  '--no-save',
  // Packages' scripts are not needed, and our own `prepare` would run this file again.
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  // These undo what an outer npm was told and hands on: `npm install -g .`, `npm pack --dry-run`, NODE_ENV.
  '--location=project',
  '--global=false',
  '--dry-run=false',
  '--include=dev',
];

function install() {
  if (!afterInstall) {
    process.stderr.write('installing packages…\n');
    const { status, error, stdout, stderr } = spawnSync('npm', installArgs, { cwd: root, encoding: 'utf8' });
    if (status !== 0)
      throw new Error(`npm install failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  }
  writeFileSync(join(root, installStampFile), installStamp(root));
}

async function setup() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`swob needs Node 20.19 or later; this is ${process.versions.node}`);
  }
  if (!needsInstall() && !needsBuild()) return;
  await withLock(root, async () => {
    if (needsInstall()) install();
    // Taken before the build, so that a change during it is built the next time.
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
