// The form of a user's record in a file and in the journal. Used by users.ts, user-journal.ts, the archive and the integrity
// check.

import type { PairedUser } from '../../domain/pairing/model.ts';
import { isNumber, isUser } from '../guards.ts';
import { withChecksum } from './checksum.ts';
import { DamagedFileError, parseChecked } from './damaged-files.ts';
import type { Disk, NamedText } from './disk.ts';
import { openRecord, recordName } from './record-file.ts';

/** A user with the number of changes of the record, which shows whether a file or a line of the journal is newer. */
export interface StoredUser {
  readonly user: PairedUser;
  readonly revision: number;
}

/** As it is on disk; without a revision in files of earlier versions. */
export type UserRecord = PairedUser & { readonly revision?: number };

export function isUserRecord(value: unknown): value is UserRecord {
  return isUser(value) && (!('revision' in value) || isNumber(value.revision));
}

export function toRecord({ user, revision }: StoredUser): UserRecord {
  return { ...user, revision };
}

export function fromRecord({ revision = 0, ...user }: UserRecord): StoredUser {
  return { user, revision };
}

/** The record in the user's file. Throws DamagedFileError and UNAVAILABLE. */
export async function readUserFile(disk: Disk, userId: string): Promise<StoredUser | undefined> {
  const isOfUser = (value: unknown): value is UserRecord => isUserRecord(value) && value.userId === userId;
  const record = openRecord(disk, 'users', userId, isOfUser);
  await record.read();
  return record.data ? fromRecord(record.data) : undefined;
}

/** The user's file, as `readUserFile` reads it. */
export function userFileOf(stored: StoredUser): NamedText {
  return {
    name: recordName('users', stored.user.userId),
    text: withChecksum(JSON.stringify(toRecord(stored))),
  };
}

/** The user id in a file of this name; undefined when it is damaged, which `swob doctor` reports. */
export async function readUserId(disk: Disk, name: string): Promise<string | undefined> {
  try {
    const text = await disk.read(name);
    return text === undefined ? undefined : parseChecked(disk, name, text, isUserRecord).userId;
  } catch (error) {
    if (error instanceof DamagedFileError) return undefined;
    throw error;
  }
}
