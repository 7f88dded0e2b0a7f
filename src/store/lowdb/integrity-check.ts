// Checks the files of a lowdb store for damage, without writing and without the lock, so also while a daemon uses the
// store. Used by `swob doctor`.

import { messageOf } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { type Guard, isCallback, isInboundSms, isOutboxEntry, isSeed, isWaitingSms } from '../guards.ts';
import { verifyChecksum } from './checksum.ts';
import { DamagedFileError, parseChecked, quarantineFolder } from './damaged-files.ts';
import { readClients } from './delivering-clients.ts';
import { createDisk, type Disk } from './disk.ts';
import { readLps } from './lps-file.ts';
import { readHistories } from './monitoring.ts';
import { type RecordKind, recordFiles } from './record-file.ts';
import { detectFormat } from './store-format.ts';
import { journaledUserFiles, userJournalFolder } from './user-journal-files.ts';
import { isUserRecord } from './user-record.ts';

export interface IntegrityReport {
  /** Why the store does not open; undefined when it would. */
  readonly openError: string | undefined;
  /** Damaged records of users, who can neither pair nor send. */
  readonly damagedUsers: readonly string[];
  /** Other damaged files and lines; a daemon quarantines or skips them. */
  readonly damagedOthers: readonly string[];
  /** The number of files in the folder for damaged files. */
  readonly quarantined: number;
  /** The time did not suffice for all files. */
  readonly incomplete: boolean;
}

/** Files read concurrently. */
const readConcurrency = 32;
/** Errors of each kind that are reported by name. */
const maxReported = 5;

/** Folders of files that consist of lines. */
const lineFolders = [
  'receipts',
  'responses',
  'sign-outs',
  'tests',
  'lps',
  userJournalFolder,
  'limits',
  'attempts-inbound',
  'attempts-callbacks',
  'attempts-waitingSms',
  'messages',
  'disconnects',
  'disconnects-refused',
];

const guards: Readonly<Record<RecordKind, Guard<unknown>>> = {
  users: isUserRecord,
  seeds: isSeed,
  inbound: isOutboxEntry(isInboundSms),
  callbacks: isOutboxEntry(isCallback),
  waitingSms: isOutboxEntry(isWaitingSms),
};

/** Stops early when the signal aborts. Throws UNAVAILABLE or CONFIG when a folder cannot be read. */
export async function checkIntegrity(folder: string, signal: AbortSignal): Promise<IntegrityReport> {
  const disk = createDisk(folder, () => {
    throw new TypeError('the integrity check must not write');
  });
  const damagedUsers: string[] = [];
  const damagedOthers: string[] = [];
  const result = (openError?: string, quarantined = 0): IntegrityReport => ({
    openError,
    damagedUsers,
    damagedOthers,
    quarantined,
    incomplete: signal.aborted,
  });
  try {
    // Earlier formats are migrated when the store is opened.
    const found = await detectFormat(disk);
    if (found === 'empty' || found === 'outdated') return result();
  } catch (error) {
    return result(messageOf(error));
  }
  const report = (list: string[], error: unknown): void => {
    if (!(error instanceof DamagedFileError)) throw error;
    if (list.length < maxReported) list.push(error.message);
  };
  for (const read of [readLps, readClients, readHistories]) {
    await read(disk).catch((error: unknown) => report(damagedOthers, error));
  }
  // Their files are written again from the journal.
  const journaled = await journaledUserFiles(disk);
  for (const [kind, isRecord] of entriesOf(guards)) {
    const list = kind === 'users' ? damagedUsers : damagedOthers;
    for await (const names of recordFiles(disk, kind)) {
      const check = (name: string) =>
        checkRecord(disk, name, isRecord).catch((error: unknown) => {
          if (!journaled.has(name)) report(list, error);
        });
      if (signal.aborted) break;
      for await (const _ of mapConcurrent(names, readConcurrency, check)) if (signal.aborted) break;
    }
  }
  for (const each of lineFolders) {
    for (const name of await disk.list(each)) {
      if (signal.aborted) break;
      const onDamage = (error: unknown) => report(damagedOthers, error);
      await checkLines(disk, `${each}/${name}`, onDamage).catch(onDamage);
    }
  }
  return result(undefined, (await disk.list(quarantineFolder)).length);
}

async function checkRecord(disk: Disk, name: string, isRecord: Guard<unknown>): Promise<void> {
  if (!name.endsWith('.json')) return;
  const text = await disk.read(name);
  // A daemon may have removed the file in the meantime.
  if (text !== undefined) parseChecked(disk, name, text, isRecord);
}

/** Skips the last line, which may be in the course of being written. */
async function checkLines(
  disk: Disk,
  name: string,
  report: (error: DamagedFileError) => void,
): Promise<void> {
  if (!name.endsWith('.ndjson')) return;
  const lines = ((await disk.read(name)) ?? '').split('\n').slice(0, -1);
  for (const [index, line] of lines.entries()) {
    if (verifyChecksum(line) !== undefined) continue;
    report(
      new DamagedFileError(disk.pathOf(`${name} line ${index + 1}`), 'its checksum does not fit', 'opening'),
    );
  }
}

function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] {
  // Safe cast: the object above has exactly the keys of its type.
  return Object.entries(record) as [K, V][];
}
