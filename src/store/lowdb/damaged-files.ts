// Damaged files of the lowdb store: how errors name them, and what happens to them while the store is open.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { tryParseJson } from '../../lib/json.ts';
import { verifyChecksum } from './checksum.ts';
import type { Disk } from './disk.ts';

/** Names the file but never quotes it, because it may hold a key. CONFIG while the store opens, UNAVAILABLE later. */
export class DamagedFileError extends SwobError {
  constructor(path: string, fault: string, when: 'opening' | 'running') {
    super(
      when === 'opening' ? 'CONFIG' : 'UNAVAILABLE',
      `${path} is damaged (${fault}); restore it from a backup or remove it`,
      { publicMessage: 'a record of the store is damaged' },
    );
  }
}

/** Handles damage that does not affect the rest of the store. */
export interface DamageHandler {
  /** The file cannot be used at all; once this resolves, the store continues as if the file did not exist. */
  onFile(name: string, error: DamagedFileError): Promise<void>;
  /** A line cannot be used and is skipped. */
  onLine(error: DamagedFileError): void;
}

/** For an export, which must not produce a copy that silently lacks a record. */
export const failOnDamage: DamageHandler = {
  onFile: async (_name, error) => {
    throw error;
  },
  onLine: (error) => {
    throw error;
  },
};

/**
 * The result of `read` for a file that is usable only as a whole; undefined also when the file was damaged and
 * quarantined.
 */
export async function readOrQuarantine<T>(
  damage: DamageHandler,
  name: string,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    await damage.onFile(name, error);
    return undefined;
  }
}

/** The folder for damaged files. */
export const quarantineFolder = 'damaged';

/**
 * For a daemon: keeps the file for the operator, logs it and continues, so that one bad sector does not stop
 * everything.
 */
export function quarantineDamage(disk: Disk, log: Log, clock: Pick<Clock, 'now'>): DamageHandler {
  return {
    onFile: async (name, error) => {
      const kept = `${quarantineFolder}/${name.replaceAll('/', '-')}.${clock.now()}`;
      await disk.move(name, kept);
      log.error(
        { file: disk.pathOf(name), kept: disk.pathOf(kept), reason: error.message },
        'moved a damaged file of the store to the folder for damaged files; the rest is in use',
      );
    },
    onLine: (error) =>
      log.error({ reason: error.message }, 'skipped a damaged line of the store; the rest is in use'),
  };
}

/**
 * The value in a file's or line's text. Throws DamagedFileError, which names `name`, when the checksum or the type is
 * wrong.
 */
export function parseChecked<T>(
  disk: Pick<Disk, 'pathOf'>,
  name: string,
  text: string,
  isWhole: (value: unknown) => value is T,
  when: 'opening' | 'running' = 'running',
): T {
  const json = verifyChecksum(text);
  const value = json === undefined ? undefined : tryParseJson(json);
  if (isWhole(value)) return value;
  const fault =
    text === ''
      ? 'empty'
      : json === undefined
        ? 'truncated or changed: its checksum is missing or does not match'
        : 'not a value that swob writes there';
  throw new DamagedFileError(disk.pathOf(name), fault, when);
}
