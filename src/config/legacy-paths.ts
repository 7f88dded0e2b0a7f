// Resolves the RSA key paths of the replaced server's conf.ini, which are relative to that server's folder and not to
// the working directory. Used by sources.ts.

import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

const rsaKeyPaths = new Set(['security.public_key_filepath', 'security.private_key_filepath']);

/** Whether the replaced server resolved the path of `section.key` relative to its own folder. */
export function isRsaKeyPath(name: string): boolean {
  return rsaKeyPaths.has(name);
}

/**
 * Resolves a path relative to the parent of the `confs` folder that contains the file, else to the file's own folder.
 * Falls back to the working directory and to the folder above (where an API config points at gateway_server's keys) if
 * only these contain the file; new key pairs are created where the replaced server would have created them.
 */
export function resolveLegacyPath(file: string, path: string): string {
  if (isAbsolute(path)) return path;
  const own = dirname(resolve(file));
  const home = basename(own) === 'confs' ? dirname(own) : own;
  const places = [join(home, path), join(own, path), resolve(path), join(dirname(home), path)];
  const found = places.find((place) => existsSync(place)) ?? join(home, path);
  // Keep the path as written if it names the same file, so that messages show what the operator wrote.
  return found === resolve(path) ? path : found;
}
