// Whether a folder that the configuration names can be written, and who else can enter it. Used by `swob doctor`.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, systemErrorCode } from '../../errors.ts';
import { writeNewFile } from '../../lib/durable-files.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import { folderRemedy } from '../../lib/folder-remedy.ts';
import { danglingTarget } from './files.ts';

/** Checks that the folder can be written or created, and that only its owner can enter it if its content is secret. */
export async function checkFolder(
  check: string,
  folder: string,
  key: string,
  isSecret: boolean,
): Promise<Finding> {
  try {
    const facts = await stat(folder);
    if (!facts.isDirectory())
      return fail(check, `${folder} is not a folder`, `set ${key} to a folder of its own`);
    await writeProbeFile(join(folder, `.doctor-${randomUUID()}`));
    if (!isSecret || (facts.mode & 0o077) === 0) return ok(check, `${folder} is writable`);
    return warn(check, `other users can enter ${folder}, and its content is secret`, `chmod 0700 ${folder}`);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT')
      return fail(check, `cannot write ${folder}: ${messageOf(error)}`, folderRemedy(error, key));
  }
  const target = await danglingTarget(folder);
  if (target !== undefined)
    return fail(
      check,
      `${folder} is a link to ${target}, which does not exist`,
      `correct the link, or ${key}`,
    );
  const parent = await nearestExistingParent(folder);
  return access(parent, constants.W_OK | constants.X_OK).then(
    () => ok(check, `${folder} does not exist yet: the first start creates it`),
    (error: unknown) =>
      fail(check, `${folder} does not exist, and ${parent} is not writable`, folderRemedy(error, key)),
  );
}

/** Synced, like a record of the store. */
async function writeProbeFile(file: string): Promise<void> {
  try {
    await writeNewFile(file, 'swob doctor\n');
  } finally {
    await rm(file, { force: true });
  }
}

async function nearestExistingParent(folder: string): Promise<string> {
  const parent = dirname(folder);
  if (parent === folder) return parent;
  return stat(parent).then(
    () => parent,
    () => nearestExistingParent(parent),
  );
}
