// Records that come back from Redis as JSON. Used by the other files of this folder.

import type { Log } from '../../domain/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { Shape } from '../shapes.ts';

/** Undefined when there is none. Throws UNAVAILABLE when it is not what we wrote; says nothing of its content. */
export function readRecord<T>(name: string, isRecord: Shape<T>, reply: unknown): T | undefined {
  // Lua's `false` comes back as null.
  if (reply === null || reply === undefined) return undefined;
  const value = typeof reply === 'string' ? parse(reply) : undefined;
  if (isRecord(value)) return value;
  throw new SwobError(
    'UNAVAILABLE',
    `a ${name} in Redis is damaged: restore it from a backup, or remove it; [store] prefix keeps other programs apart`,
    { forClients: 'a record of the store is damaged' },
  );
}

/** Those of a list that can be read; the others are told in the log. */
export function readRecords<T>(name: string, isRecord: Shape<T>, log: Log, replies: unknown): T[] {
  if (!Array.isArray(replies))
    throw new SwobError('INTERNAL', 'Redis answers no list where there must be one');
  return replies.flatMap((reply: unknown) => {
    try {
      return readRecord(name, isRecord, reply) ?? [];
    } catch (error) {
      log.error({ reason: messageOf(error) }, `a ${name} cannot be read`);
      return [];
    }
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
