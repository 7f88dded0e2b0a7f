// Parses records that Redis returns as JSON. Used by the other files of this folder.

import type { Log } from '../../domain/shared/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { tryParseJson } from '../../lib/json.ts';
import type { Guard } from '../guards.ts';

/**
 * Undefined when there is none. Throws UNAVAILABLE for a record that swob did not write; the message never quotes it.
 */
export function readRecord<T>(name: string, isRecord: Guard<T>, reply: unknown): T | undefined {
  // Redis returns Lua's `false` as null.
  if (reply === null || reply === undefined) return undefined;
  const value = typeof reply === 'string' ? tryParseJson(reply) : undefined;
  if (isRecord(value)) return value;
  throw new SwobError(
    'UNAVAILABLE',
    `a ${name} in Redis is damaged: restore it from a backup or remove it; if another program wrote it, set [store] prefix`,
    { publicMessage: 'a record of the store is damaged' },
  );
}

/** The valid records of a list; the others are logged. */
export function readRecords<T>(name: string, isRecord: Guard<T>, log: Log, replies: unknown): T[] {
  if (!Array.isArray(replies))
    throw new SwobError('INTERNAL', 'Redis replied with something other than a list');
  return replies.flatMap((reply: unknown) => {
    try {
      return readRecord(name, isRecord, reply) ?? [];
    } catch (error) {
      log.error({ reason: messageOf(error) }, `skipped a damaged ${name}`);
      return [];
    }
  });
}
