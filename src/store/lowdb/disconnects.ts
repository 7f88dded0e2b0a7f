// The audit trail of disconnects as lines of segments on disk. Only their numbers are in memory, because 100,000 records
// would fill a small heap; lists read the segments, newest first.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { DisconnectAuditStore, DisconnectRecord } from '../../domain/wifi/audit-model.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { createDisconnectAudit, type DisconnectLog } from '../disconnect-logs.ts';
import { isDisconnectRecord } from '../guards.ts';
import type { AuditBounds } from '../options.ts';
import { DamagedFileError, type DamageHandler, parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { closeAfterWrites, createGroupCommit } from './group-commit.ts';
import { isSegmentLine } from './segment-lines.ts';
import { openSegments } from './segments.ts';

export interface LowdbDisconnects {
  readonly store: DisconnectAuditStore;
  /** Oldest first. */
  all(): AsyncGenerator<DisconnectRecord>;
  /** False when a closing line could not be written, so that the next start does not expect it. */
  close(): Promise<boolean>;
}

export interface LowdbDisconnectsOptions {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  readonly disconnects: AuditBounds;
  /** Evicts only above the maximum, however its lines are divided into segments: an import may write just as many. */
  readonly keepsMax?: boolean;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

export async function openLowdbDisconnects(options: LowdbDisconnectsOptions): Promise<LowdbDisconnects> {
  const { ttlMs, max, maxUntrusted } = options.disconnects;
  const trusted = await openLog(options, 'disconnects', ttlMs, max);
  const untrusted = await openLog(options, 'disconnects-refused', ttlMs, maxUntrusted);
  return {
    store: createDisconnectAudit({ trusted, untrusted }),
    async *all() {
      yield* trusted.oldestFirst();
      yield* untrusted.oldestFirst();
    },
    close: async () => (await Promise.all([trusted.close(), untrusted.close()])).every(Boolean),
  };
}

interface SegmentLog extends DisconnectLog {
  oldestFirst(): AsyncGenerator<DisconnectRecord>;
  close(): Promise<boolean>;
}

/** What is known of a segment. */
interface SegmentFacts {
  readonly number: number;
  lines: number;
  /** The least and the greatest id. */
  first: string;
  last: string;
  /** Expiry of its youngest record by the monotonic clock. */
  expiresAt: number;
}

/** The files of a log: the oldest one is removed as a whole, so that about nine tenths of `max` are kept. */
const segmentsPerLog = 10;
/** A line takes about 20 µs to read. */
const linesPerTurn = 100;

async function openLog(
  options: LowdbDisconnectsOptions,
  name: string,
  ttlMs: number,
  max: number,
): Promise<SegmentLog> {
  const { disk, queue, clock, log, damage, assertOpen, keepsMax = false } = options;
  const maxLines = Math.ceil(max / segmentsPerLog);
  const facts = new Map<number, SegmentFacts>();

  const note = ({ id }: DisconnectRecord, segment: number, ageMs: number): void => {
    const expiresAt = clock.monotonic() - ageMs + ttlMs;
    const known = facts.get(segment);
    if (!known) {
      facts.set(segment, { number: segment, lines: 1, first: id, last: id, expiresAt });
      return;
    }
    known.lines++;
    if (id < known.first) known.first = id;
    if (id > known.last) known.last = id;
    known.expiresAt = Math.max(known.expiresAt, expiresAt);
  };
  const kept = (): SegmentFacts[] =>
    [...facts.values()].filter(({ expiresAt }) => expiresAt > clock.monotonic());
  let isOpen = false;
  /** Leaves room for the segment that begins; opening the store begins none. */
  const inUse = (): ReadonlySet<number> => {
    const numbers = new Set<number>();
    const most = isOpen && !keepsMax ? max - maxLines : max;
    let lines = 0;
    // By age, since an import adds older records after newer ones; not by ids, which a clock that is set back makes lower.
    for (const segment of kept().sort((a, b) => b.expiresAt - a.expiresAt || b.number - a.number)) {
      lines += segment.lines;
      if (lines > most) break;
      numbers.add(segment.number);
    }
    for (const number of facts.keys()) if (!numbers.has(number)) facts.delete(number);
    return numbers;
  };
  const segments = await openSegments<DisconnectRecord>({
    ...options,
    name,
    isValue: isDisconnectRecord,
    maxLines,
    maxAgeMs: ttlMs / segmentsPerLog,
    retention: { ttlMs, max },
    onLine: ({ value }, ageMs, { segment }) => note(value, segment, ageMs),
    inUse,
  });
  isOpen = true;
  // No batch is larger than a segment, which is removed as a whole.
  const writer = createGroupCommit(segments, maxLines);

  const isLine = isSegmentLine(isDisconnectRecord);
  /** One bad sector must not hide the rest of the trail. */
  const skip = (error: unknown): void => {
    if (!(error instanceof DamagedFileError)) throw error;
    damage.onLine(error);
  };
  const read = async (number: number): Promise<DisconnectRecord[]> => {
    const file = `${name}/${number}.ndjson`;
    const text = (await queue.run(() => disk.read(file)).catch(skip)) ?? '';
    // The header, the closing line, and a line that is just being written are not records.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    const records: DisconnectRecord[] = [];
    for (const [index, line] of lines.entries()) {
      // So that a list does not hold up other requests.
      if (index % linesPerTurn === linesPerTurn - 1) await nextTurn();
      if (!line.includes('"key"')) continue;
      try {
        records.push(parseChecked(disk, `${file} line ${index + 1}`, line, isLine).value);
      } catch (error) {
        skip(error);
      }
    }
    return records;
  };
  /** Segments in descending order; those whose ids overlap, as after the clock was set back, are read together. */
  async function* recordsIn(chosen: readonly SegmentFacts[], isAscending: boolean) {
    const earliestAt = clock.now() - ttlMs;
    const compare = (a: string, b: string): number => (a < b === isAscending ? -1 : 1);
    for (const group of overlapping(chosen, isAscending)) {
      const records = (await Promise.all(group.map(({ number }) => read(number)))).flat();
      for (const record of records.sort((a, b) => compare(a.id, b.id))) {
        if (record.at >= earliestAt) yield record;
      }
    }
  }

  return {
    add: async (record) => {
      assertOpen();
      const at = clock.now();
      const line = JSON.stringify({ key: record.id, at: Math.min(at, record.at), value: record });
      await writer.add(line, (segment) => note(record, segment, Math.max(0, at - record.at)));
    },
    get: async (id) => {
      const candidates = kept().filter(({ first, last }) => first <= id && id <= last);
      for await (const record of recordsIn(candidates, false)) if (record.id === id) return record;
      return undefined;
    },
    async *newestFirst(before) {
      const chosen = kept().filter(({ first }) => before === undefined || first < before);
      for await (const record of recordsIn(chosen, false)) {
        if (before === undefined || record.id < before) yield record;
      }
    },
    oldestFirst: () => recordsIn(kept(), true),
    close: () => closeAfterWrites(writer, segments, log),
  };
}

function* overlapping(segments: readonly SegmentFacts[], isAscending: boolean): Generator<SegmentFacts[]> {
  const sorted = [...segments].sort((a, b) => (a.first < b.first ? -1 : 1));
  const groups: SegmentFacts[][] = [];
  let last = '';
  for (const segment of sorted) {
    const group = groups.at(-1);
    if (group && segment.first <= last) group.push(segment);
    else groups.push([segment]);
    if (segment.last > last) last = segment.last;
  }
  yield* isAscending ? groups : groups.reverse();
}
