// The outgoing messages of the lowdb store: in memory, and as lines of segments on disk. A change is visible once it is on disk.

import type { OutgoingMessage } from '../../domain/outgoing/message.ts';
import type { OutgoingMessageStore } from '../../domain/outgoing/ports.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { createKeyedMutex } from '../../lib/concurrency.ts';
import { isObject } from '../../lib/json.ts';
import { isOutgoingMessage } from '../guards.ts';
import { createMessageIndex } from '../memory/message-index.ts';
import { decodeMessage } from '../memory/message-text.ts';
import type { TtlBounds } from '../options.ts';
import { lifetimeOf } from '../outgoing-messages.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { closeAfterWrites, createGroupCommit } from './group-commit.ts';
import { openSegments } from './segments.ts';

export interface LowdbMessages {
  readonly store: OutgoingMessageStore;
  /** Those that have not expired. */
  all(): Iterable<OutgoingMessage>;
  /** Adds or replaces a message, whatever its revision. */
  restore(message: OutgoingMessage): Promise<void>;
  /** False when the closing line could not be written, so that the next start does not expect it. */
  close(): Promise<boolean>;
}

export interface LowdbMessagesOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  readonly messages: TtlBounds;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

/** The line of a message that is no longer kept: without it an earlier line would bring it back. */
interface Removed {
  readonly removed: true;
}

/** Each has half as many lines as messages are kept. Messages of older ones are written again, so that those can be removed. */
const maxSegments = 4;
/** Lines that are written again together. */
const rewrittenTogether = 500;

export async function openLowdbMessages(options: LowdbMessagesOptions): Promise<LowdbMessages> {
  const { clock, log, messages: bounds, assertOpen } = options;
  const index = createMessageIndex(clock, bounds);
  /** Ids of new messages that are being written. */
  const adding = new Set<string>();
  /** Changes of a message, one after the other. */
  const changes = createKeyedMutex();
  let newest = 0;
  let isLoaded = false;
  let isRewriting = false;

  /** All from the oldest one with a live line on, because an older line of a message must not outlive a newer one. */
  const inUse = (): ReadonlySet<number> => {
    let oldest = newest + 1;
    for (const { segment } of index.all()) if (segment !== undefined && segment < oldest) oldest = segment;
    if (isLoaded && oldest <= newest - maxSegments) rewrite(newest - maxSegments);
    return new Set(Array.from({ length: newest - oldest + 1 }, (_, n) => oldest + n));
  };
  const segments = await openSegments<OutgoingMessage | Removed>({
    ...options,
    name: 'messages',
    isValue: isMessageLine,
    maxLines: Math.ceil(bounds.max / 2),
    maxAgeMs: bounds.ttlMs / 2,
    retention: {
      ...bounds,
      expiryOf: ({ at, value }) =>
        'removed' in value ? at + bounds.ttlMs : value.times.queued + lifetimeOf(value, bounds.ttlMs),
    },
    onLine: ({ key, value }, _ageMs, { segment }) => {
      newest = segment;
      if ('removed' in value) index.remove(key);
      else if (!isOutdated(value, index.get(key))) index.load(value, segment);
    },
    inUse,
  });
  const writer = createGroupCommit(segments);
  isLoaded = true;
  const append = (lines: readonly string[], onWritten: (segment: number) => void = () => {}): Promise<void> =>
    writer.addAll(lines, (segment) => {
      newest = segment;
      onWritten(segment);
    });

  const lineOf = (key: string, valueJson: string): string =>
    `{"key":${JSON.stringify(key)},"at":${clock.now()},"value":${valueJson}}`;
  const messageLine = (message: OutgoingMessage): string => lineOf(message.id, JSON.stringify(message));
  const removalLine = (id: string): string => lineOf(id, '{"removed":true}');

  /** If this fails, they are evicted again after a restart. */
  const noteEvicted = (ids: readonly string[]): void => void append(ids.map(removalLine)).catch(() => {});
  // Not while the lines are read: one of a message that was evicted during its write would evict another one.
  noteEvicted(index.evict());

  /** Called when a message is on disk. */
  const apply = (message: OutgoingMessage, segment: number): void => noteEvicted(index.put(message, segment));
  const changeAll = <T>(ids: readonly string[], job: () => Promise<T>): Promise<T> =>
    changes.runAll(ids, async () => {
      assertOpen();
      return job();
    });
  const change = <T>(id: string, job: () => Promise<T>): Promise<T> => changeAll([id], job);

  const rewriteOne = async (id: string, last: number): Promise<void> => {
    const entry = index.entry(id);
    if (!entry || (entry.segment ?? 0) > last) return;
    await append([messageLine(decodeMessage(entry.text))], (segment) => {
      entry.segment = segment;
    });
  };
  const rewriteAll = async (last: number): Promise<void> => {
    const ids = [...index.all()].flatMap(({ id, segment = 0 }) => (segment <= last ? [id] : []));
    for (let from = 0; from < ids.length; from += rewrittenTogether) {
      const some = ids.slice(from, from + rewrittenTogether);
      await Promise.all(some.map((id) => change(id, () => rewriteOne(id, last))));
    }
  };
  /** Writes the messages in segments up to this one again; the next new segment removes those. */
  function rewrite(last: number): void {
    if (isRewriting) return;
    isRewriting = true;
    rewriteAll(last)
      .catch((error: unknown) =>
        log.debug({ reason: messageOf(error) }, 'could not write older outgoing messages again'),
      )
      .finally(() => {
        isRewriting = false;
      });
  }

  const { ofRequest, list, due, nextReviewAt, count } = index;
  return {
    store: {
      ofRequest,
      list,
      due,
      nextReviewAt,
      count,
      add: async (messages) => {
        assertOpen();
        const isFree = ({ id }: OutgoingMessage): boolean => {
          if (index.entry(id) || adding.has(id)) return false;
          adding.add(id);
          return true;
        };
        const added = messages.filter(isFree);
        try {
          await append(added.map(messageLine), (segment) => {
            for (const message of added) apply(message, segment);
          });
        } finally {
          for (const { id } of added) adding.delete(id);
        }
        const isAdded = new Set(added);
        return messages.filter((message) => !isAdded.has(message));
      },
      get: async (id) => index.get(id),
      getDurable: async (id) => index.get(id),
      getAll: async (ids) => ids.map(index.get),
      replaceAll: (successors) =>
        changeAll(
          successors.map(({ id }) => id),
          async () => {
            const fitting = successors.filter(
              ({ id, revision }) => index.entry(id)?.revision === revision - 1,
            );
            const replaced = new Set<OutgoingMessage>();
            await append(fitting.map(messageLine), (segment) => {
              for (const next of fitting) {
                // It may have been evicted during the write.
                if (!index.entry(next.id)) continue;
                apply(next, segment);
                replaced.add(next);
              }
            });
            return successors.map((next) => replaced.has(next));
          },
        ),
      remove: async (ids) => {
        await changeAll(ids, async () => {
          const known = ids.filter(index.entry);
          await append(known.map(removalLine), () => known.forEach(index.remove));
        });
      },
    },
    *all() {
      for (const { id } of index.all()) {
        const message = index.get(id);
        if (message) yield message;
      }
    },
    restore: (message) =>
      change(message.id, async () => {
        const removal = index.entry(message.id) ? [removalLine(message.id)] : [];
        await append([...removal, messageLine(message)], (segment) => apply(message, segment));
      }),
    close: () => closeAfterWrites(writer, segments, log),
  };
}

function isMessageLine(value: unknown): value is OutgoingMessage | Removed {
  return isOutgoingMessage(value) || (isObject(value) && value.removed === true);
}

/** Whether the line is one of the same message that was written again after a newer one. */
function isOutdated(line: OutgoingMessage, known: OutgoingMessage | undefined): boolean {
  return (
    known !== undefined &&
    known.revision > line.revision &&
    known.times.queued === line.times.queued &&
    known.uuid === line.uuid
  );
}
