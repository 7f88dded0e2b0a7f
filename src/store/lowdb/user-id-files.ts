// The files of the index of user ids, `user-ids/`: parts of sorted ids, a manifest that names them, and logs of the ids that came
// later. All can be made again from the records. Used by user-ids.ts.

import { isObject } from '../../lib/json.ts';
import { isNumber, isText } from '../guards.ts';
import type { AppendFile } from './append-file.ts';
import { withChecksum } from './checksum.ts';
import { DamagedFileError, parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { createGroupCommit } from './group-commit.ts';

export interface IdPart {
  readonly file: number;
  readonly first: string;
  readonly count: number;
}

export interface IdManifest {
  readonly parts: readonly IdPart[];
  /** Records whose id could not be read. */
  readonly unreadable: number;
  /** The first log with ids that no part has. */
  readonly log: number;
}

export interface UserIdFiles {
  /** Undefined when there is none, or it is damaged. */
  readManifest(): Promise<IdManifest | undefined>;
  writeManifest(manifest: IdManifest): Promise<void>;
  /** Undefined when it is missing or damaged. */
  readPart(part: IdPart): Promise<readonly string[] | undefined>;
  writePart(file: number, ids: readonly string[]): Promise<IdPart>;
  /** The ids in all logs from this one on. */
  readLogs(first: number): Promise<readonly string[]>;
  /** Appends to this log from now on. */
  openLog(number: number): void;
  log(id: string): Promise<void>;
  /** Removes parts and logs that the manifest does not name. Throws UNAVAILABLE. */
  removeOthers(manifest: IdManifest): Promise<void>;
  /** A number that no file has had. */
  nextNumber(): Promise<number>;
  close(): Promise<void>;
}

const folder = 'user-ids';
const manifestFile = `${folder}/manifest.json`;
const partFile = (file: number): string => `${folder}/${file}.json`;
const logFile = (number: number): string => `${folder}/${number}.log`;

export function createUserIdFiles(disk: Disk): UserIdFiles {
  let number = 0;
  /** The end of a log, which the writer leaves once another log is to be used. */
  let end: { readonly number: number; readonly file: AppendFile } | undefined;
  let highest: number | undefined;
  const leave = async (): Promise<void> => {
    const left = end;
    end = undefined;
    await left?.file.close();
  };
  const endOf = async (log: number): Promise<AppendFile> => {
    if (end?.number === log) return end.file;
    await leave().catch(() => {});
    const file = await disk.openAppend(logFile(log), 0);
    end = { number: log, file };
    return file;
  };
  const writer = createGroupCommit({
    append: async (lines) => {
      const log = number;
      const file = await endOf(log);
      await file.append(Buffer.from(lines.map((line) => `${line}\n`).join('')));
      return log;
    },
  });
  const numbersOf = async (extension: string): Promise<number[]> =>
    (await disk.list(folder)).flatMap((name) => {
      const [, digits] = /^(\d{1,15})\.(?:json|log)$/.exec(name) ?? [];
      return digits !== undefined && name.endsWith(extension) ? Number(digits) : [];
    });
  const read = async <T>(name: string, isValue: (value: unknown) => value is T): Promise<T | undefined> => {
    try {
      const text = await disk.read(name);
      return text === undefined ? undefined : parseChecked(disk, name, text, isValue);
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      return undefined;
    }
  };

  return {
    readManifest: () => read(manifestFile, isManifest),
    writeManifest: (manifest) => disk.write(manifestFile, withChecksum(JSON.stringify(manifest))),
    readPart: ({ file }) => read(partFile(file), isIdList),
    writePart: async (file, ids) => {
      await disk.write(partFile(file), withChecksum(JSON.stringify(ids)));
      return { file, first: ids[0] ?? '', count: ids.length };
    },
    readLogs: async (first) => {
      const ids: string[] = [];
      for (const each of (await numbersOf('.log')).filter((one) => one >= first)) {
        const lines = ((await disk.read(logFile(each))) ?? '').split('\n').slice(0, -1);
        for (const line of lines) {
          try {
            ids.push(parseChecked(disk, logFile(each), line, isText));
          } catch (error) {
            // The number of records shows that one is missing.
            if (!(error instanceof DamagedFileError)) throw error;
          }
        }
      }
      return ids;
    },
    openLog: (next) => {
      number = next;
    },
    log: (id) => writer.add(withChecksum(JSON.stringify(id)), () => {}),
    removeOthers: async ({ parts, log }) => {
      const kept = new Set(parts.map(({ file }) => file));
      for (const each of await numbersOf('.json')) if (!kept.has(each)) await disk.remove(partFile(each));
      for (const each of await numbersOf('.log')) if (each < log) await disk.remove(logFile(each));
    },
    nextNumber: async () => {
      highest ??= Math.max(0, ...(await numbersOf('.json')), ...(await numbersOf('.log')));
      return ++highest;
    },
    close: async () => {
      await writer.idle();
      await leave().catch(() => {});
    },
  };
}

function isIdList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isManifest(value: unknown): value is IdManifest {
  const isPart = (part: unknown): boolean =>
    isObject(part) && isNumber(part.file) && isText(part.first) && isNumber(part.count);
  return (
    isObject(value) &&
    Array.isArray(value.parts) &&
    value.parts.every(isPart) &&
    isNumber(value.unreadable) &&
    isNumber(value.log)
  );
}
