// What `swob doctor` finds about a store in a folder: whether it is writable, who holds it, the free space, and
// damaged files.

import { messageOf } from '../../errors.ts';
import { type DiskSpace, diskSpaceOf } from '../../lib/disk-space.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import type { InspectionContext } from '../adapter.ts';
import type { LockHolder } from '../lock/lock.ts';
import { checkIntegrity, type IntegrityReport } from './integrity-check.ts';

export async function inspectFolder(
  folder: string,
  findHolder: () => Promise<LockHolder | undefined>,
  { checkFolder, signal }: InspectionContext,
): Promise<Finding[]> {
  const holder = await findHolder().catch((error: unknown) => messageOf(error));
  const space = await diskSpaceOf(folder).catch(() => undefined);
  const access = await checkFolder('store folder', folder, '[store] url', true);
  const facts = { folder, space, holder: typeof holder === 'string' ? undefined : holder };
  const findings = [access, ...checkHolderAndSpace(facts)];
  if (access.state === 'fail') return findings;
  if (typeof holder === 'string') {
    return [...findings, fail('store holder', holder, 'run swob doctor as the user of the service')];
  }
  // Without a folder there are no files to check.
  if (!space) return findings;
  return [...findings, ...checkContent(await checkIntegrity(folder, signal))];
}

function checkContent({
  openError,
  damagedUsers,
  damagedOthers,
  quarantined,
  incomplete,
}: IntegrityReport): Finding[] {
  const check = 'store content';
  // Error messages of the store give the advice after a semicolon.
  const [reason = '', ...advice] = (openError ?? '').split('; ');
  if (openError !== undefined)
    return [
      fail(
        check,
        `the store cannot be opened: ${reason}`,
        advice.join('; ') || 'check the files in its folder',
      ),
    ];
  const findings = [
    ...damagedUsers.map((damage) =>
      fail(check, damage, 'restore or remove the record: until then the user cannot pair or send'),
    ),
    ...damagedOthers.map((damage) =>
      warn(check, damage, 'nothing to do: the next start moves it to `damaged` and uses the rest'),
    ),
  ];
  if (quarantined > 0) {
    findings.push(
      warn(
        check,
        `${quarantined} damaged file(s) were moved to \`damaged\``,
        'examine `damaged` in the store folder, and delete its files',
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [ok(check, incomplete ? 'no damage found; the check ran out of time before the end' : 'no damage')];
}

interface FolderFacts {
  readonly folder: string;
  readonly holder: LockHolder | undefined;
  /** Undefined when the folder is not there. */
  readonly space: DiskSpace | undefined;
}

export function checkHolderAndSpace({ folder, holder, space }: FolderFacts): Finding[] {
  const findings: Finding[] = [];
  if (space) findings.push(checkSpace(folder, space));
  if (holder) {
    const owner = `pid ${holder.pid} on host ${holder.host} since ${holder.since}`;
    findings.push(
      holder.state === 'dead'
        ? ok('store holder', `${owner} is dead; the next start takes it over`)
        : holder.state === 'live'
          ? ok('store holder', owner)
          : warn(
              'store holder',
              `${owner}, of another host or container`,
              'only one process can use a store: make sure that it is the right one',
            ),
    );
  }
  return findings;
}

function checkSpace(folder: string, space: DiskSpace): Finding {
  const { freeBytes, totalBytes, freeFiles, low } = space;
  const share = totalBytes > 0 ? Math.floor((100 * freeBytes) / totalBytes) : 0;
  const files = freeFiles === undefined ? '' : `, ${freeFiles} files`;
  const detail = `${Math.floor(freeBytes / 1e6)} MB (${share} %)${files} free where ${folder} is`;
  return low
    ? warn(
        'disk space',
        detail,
        'free some space: with a full disk no phone can pair and no message can be kept',
      )
    : ok('disk space', detail);
}
