// Records the inputs of the last install and build, so that setup.mjs knows when to repeat them.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Inside the folder it describes, so that both are removed together. */
export const installStampFile = join('node_modules', '.swob-lock-hash');
export const buildStampFile = join('dist', '.stamp');

/** @param {string} root */
export function installStamp(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Path, time of change and size of every file that the build reads, and of the scripts, some of which it consists of. */
export function buildStamp(root) {
  const scripts = readdirSync(join(root, 'scripts'))
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => join('scripts', name));
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json', ...scripts, ...sources].sort()) {
    const { mtimeMs, size } = statSync(join(root, file));
    hash.update(`${file}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest('hex');
}

/** @returns {string} empty when there is none */
export function readStamp(root, file) {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
