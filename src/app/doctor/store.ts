// The folders of the store and of logs: writable, roomy, and whose they are. Used by `swob doctor`.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, messageOf } from '../../errors.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** What app/compose/doctor.ts knows of the store. */
export interface StoreFacts {
  readonly folder: string;
  readonly holder:
    | { readonly pid: number; readonly host: string; readonly since: string; readonly state: string }
    | undefined;
  /** Undefined when the folder is not there. */
  readonly space:
    | {
        readonly freeBytes: number;
        readonly totalBytes: number;
        readonly freeFiles: number | undefined;
        readonly low: boolean;
      }
    | undefined;
}

export async function checkStore({ folder, holder, space }: StoreFacts): Promise<Finding[]> {
  const findings = [await checkFolder('store folder', folder, '[store] url', true)];
  if (space) findings.push(checkSpace(folder, space));
  if (holder) {
    const who = `pid ${holder.pid} on host ${holder.host} since ${holder.since}`;
    findings.push(
      holder.state === 'dead'
        ? ok('store holder', `${who} is dead; the next start takes it over`)
        : holder.state === 'live'
          ? ok('store holder', who)
          : warn(
              'store holder',
              `${who}, of another host or container`,
              'one process at a time can have a store: make sure that it is the right one',
            ),
    );
  }
  return findings;
}

/** Whether the folder of that key can be written, or made; and, when what it holds is secret, entered by its owner only. */
export async function checkFolder(
  check: string,
  folder: string,
  key: string,
  isSecret: boolean,
): Promise<Finding> {
  const advice = `make it writable for the user of the service: chown and chmod 0700, or another ${key}`;
  try {
    const facts = await stat(folder);
    if (!facts.isDirectory()) return fail(check, `${folder} is no folder`, `give ${key} a folder of its own`);
    await writeOnce(join(folder, `.doctor-${randomUUID()}`));
    if (!isSecret || (facts.mode & 0o077) === 0) return ok(check, `${folder}, writable`);
    return warn(check, `${folder} can be entered by others; what it holds is secret`, `chmod 0700 ${folder}`);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT')
      return fail(check, `cannot write ${folder}: ${messageOf(error)}`, advice);
  }
  const above = await nearest(folder);
  return access(above, constants.W_OK | constants.X_OK).then(
    () => ok(check, `${folder} is not there yet: the first start makes it`),
    () => fail(check, `${folder} is not there, and ${above} cannot be written`, advice),
  );
}

/** Durable, like a record of the store. */
async function writeOnce(file: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile('swob doctor\n');
    await handle.sync();
  } finally {
    await handle.close();
    await unlink(file);
  }
}

/** The first folder above that exists. */
async function nearest(folder: string): Promise<string> {
  const above = dirname(folder);
  if (above === folder) return above;
  return stat(above).then(
    () => above,
    () => nearest(above),
  );
}

function checkSpace(folder: string, space: NonNullable<StoreFacts['space']>): Finding {
  const { freeBytes, totalBytes, freeFiles, low } = space;
  const share = totalBytes > 0 ? Math.floor((100 * freeBytes) / totalBytes) : 0;
  const files = freeFiles === undefined ? '' : `, ${freeFiles} files`;
  const detail = `${Math.floor(freeBytes / 1e6)} MB (${share} %)${files} free where ${folder} is`;
  return low
    ? warn('disk space', detail, 'make room: nothing can be paired or kept on a full disk')
    : ok('disk space', detail);
}
