// Seeds of the lowdb store: every registration is a file. The LPS of recently active seeds are in memory and in one
// file that is flushed within a second; a seed that becomes active is in a journal before that. All other seeds are
// on disk only.

import type { Seed } from '../../domain/seeds/model.ts';
import type { SeedStore } from '../../domain/seeds/ports.ts';
import { messageOf } from '../../errors.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { seedEvictionWarning, seedsFullError } from '../errors.ts';
import { isSeed } from '../guards.ts';
import { createRecentSeeds, isSameRegistration } from '../memory/recent-seeds.ts';
import type { StoreOptions } from '../options.ts';
import { DamagedFileError, type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { createEvictionCandidates } from './eviction-candidates.ts';
import { createFlusher } from './flusher.ts';
import { createLpsEncoder, emptyLpsFile, lpsFile, readLps } from './lps-file.ts';
import { openLpsJournal } from './lps-journal.ts';
import { countRecords, openRecord, recordName } from './record-file.ts';
import type { OpenSnapshot } from './snapshots.ts';

export interface LowdbSeeds {
  readonly store: SeedStore;
  close(): Promise<void>;
}

/** Seeds moved from memory to disk per flush; few, so that the next flush is not delayed. */
const maxRetiredPerFlush = 100;
/** New seeds that may be registered before others have been evicted. */
const maxOvershoot = 64;
/** Seeds on disk are searched for candidates only when they are at least one in this many. */
const inactiveShareDivisor = 200;
/** Seeds that are loaded in one step when the store opens. */
const loadedPerTurn = 200;
/** An LPS may be in memory only for one second: half of it is for the delay, the other half for the write. */
const flushDelayMs = 500;
const flushRetryMs = 1_000;

export interface LowdbSeedsOptions extends Pick<StoreOptions, 'clock' | 'log' | 'seeds'> {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  readonly openSnapshot: OpenSnapshot;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

/** Loads the recently active seeds. */
export async function openLowdbSeeds(options: LowdbSeedsOptions): Promise<LowdbSeeds> {
  const { disk, queue, damage, clock, log, openSnapshot, assertOpen } = options;
  const { activeMs, maxRegistered } = options.seeds;
  const recent = createRecentSeeds(clock, activeMs);
  // Without the file no seed is active until its next ping, which is soon.
  const { journal: covered, lps } =
    (await readOrQuarantine(damage, lpsFile, () => readLps(disk))) ?? emptyLpsFile;
  const journal = await openLpsJournal({ ...options, covered });

  let registered = await countRecords(disk, 'seeds');
  let evicted = 0;
  const silent = createEvictionCandidates({
    disk,
    queue,
    isRecent: (imsi) => recent.get(imsi) !== undefined,
    batchSize: Math.max(16, Math.ceil(maxRegistered / 20)),
  });

  const keyOf = (imsi: string): string => `seed ${imsi}`;
  const snapshot = await openSnapshot<Seed>({
    kind: 'seeds',
    isValue: isSeed,
    idOf: ({ imsi }) => imsi,
    currentValue: (imsi) => recent.get(imsi),
    queueKeyOf: keyOf,
  });

  const recordOf = (imsi: string) =>
    openRecord(disk, 'seeds', imsi, (value): value is Seed => isSeed(value) && value.imsi === imsi);

  const quarantine = async (imsi: string, error: unknown): Promise<undefined> => {
    if (!(error instanceof DamagedFileError)) throw error;
    await damage.onFile(recordName('seeds', imsi), error);
    registered--;
  };
  /**
   * Quarantines a damaged record, because the next ping restores all of its data. Must run exclusively for each IMSI.
   */
  const readRecord = async (imsi: string): Promise<Seed | undefined> => {
    const record = recordOf(imsi);
    try {
      await record.read();
    } catch (error) {
      await quarantine(imsi, error);
    }
    return record.data ?? undefined;
  };
  /** The same while the store opens. */
  const loadRecord = async (imsi: string): Promise<Seed | undefined> => {
    const name = recordName('seeds', imsi);
    const isOfThisFile = (value: unknown): value is Seed => isSeed(value) && value.imsi === imsi;
    try {
      const text = disk.readNow(name);
      return text === undefined ? undefined : parseChecked(disk, name, text, isOfThisFile);
    } catch (error) {
      return quarantine(imsi, error);
    }
  };

  const writeRecord = async (seed: Seed): Promise<void> => {
    const record = recordOf(seed.imsi);
    record.data = seed;
    snapshot.forget(seed.imsi);
    await record.write();
  };

  /** Writes the last LPS of a seed that is no longer active to disk and removes it from memory. */
  const retire = (old: Seed): Promise<void> =>
    queue.runExclusive(keyOf(old.imsi), async () => {
      // The seed may have pinged or changed its number while this job waited.
      if (recent.get(old.imsi) !== old) return;
      const stored = await readRecord(old.imsi);
      if (stored && stored.lps !== old.lps) await writeRecord({ ...stored, lps: old.lps });
      snapshot.forget(old.imsi);
      recent.remove(old);
    });

  const encodeLps = createLpsEncoder();
  const writeLps = async (): Promise<void> => {
    const { last } = journal;
    await disk.write(lpsFile, await encodeLps(recent.all(), last));
    journal.cover(last);
    const leaving = recent.stale(maxRetiredPerFlush).map(async (old) => {
      await retire(old).catch((error: unknown) => {
        // Its LPS is obsolete, and its next ping registers it again.
        log.warn({ reason: messageOf(error) }, 'could not store the last LPS of a seed');
        recent.remove(old);
      });
    });
    await Promise.all(leaving);
  };
  const flusher = createFlusher({
    clock,
    log,
    folder: disk.folder,
    delayMs: flushDelayMs,
    retryMs: flushRetryMs,
    maxRetryMs: flushRetryMs,
    failureMessage: 'the store is not writable; pings are rejected until it is',
    write: writeLps,
  });

  const touch = (seed: Seed): number | undefined => {
    const sinceMs = recent.touch(seed);
    flusher.mark();
    return sinceMs;
  };

  let closing = false;

  /** @returns the milliseconds since the ping before */
  const register = async (seed: Seed): Promise<number | undefined> => {
    const known = recent.get(seed.imsi) ?? (await readRecord(seed.imsi));
    if (!known || !isSameRegistration(known, seed)) {
      if (!known && registered >= maxRegistered + maxOvershoot) throw seedsFullError(maxRegistered);
      // Counted before the write, so that concurrent registrations cannot exceed the maximum together.
      if (!known) registered++;
      try {
        await writeRecord(seed);
      } catch (error) {
        if (!known) registered--;
        throw error;
      }
    }
    let sinceMs: number | undefined;
    await journal.add(seed, () => {
      sinceMs = touch(seed);
    });
    snapshot.track(seed.imsi);
    // Only wall time shows the age of a seed on disk.
    return sinceMs ?? (known && Math.max(0, clock.now() - known.lps * 1_000));
  };

  const registerInTurn = async (seed: Seed): Promise<number | undefined> => {
    assertOpen();
    if (flusher.failure) throw flusher.failure;
    if (registered > maxRegistered) await evictSurplus();
    const sinceMs = await queue.runExclusive(keyOf(seed.imsi), () => register(seed));
    // Outside the queue, because a job must not wait for another one. Repeated while concurrent registrations exceed
    // the maximum.
    for (let tries = 0; registered > maxRegistered && tries < maxOvershoot; tries++) await evictSurplus();
    return sinceMs;
  };

  const evict = async (): Promise<void> => {
    // Finding a few candidates among many records would take reading all of them.
    const inactive = registered - recent.size;
    const onDisk = inactive * inactiveShareDivisor > registered ? await silent.next() : undefined;
    const imsi = onDisk ?? recent.oldest()?.imsi;
    if (imsi === undefined) return;
    await queue.runExclusive(keyOf(imsi), async () => {
      const active = recent.get(imsi);
      if (active && (onDisk !== undefined || active !== recent.oldest())) return;
      snapshot.forget(imsi);
      await disk.remove(recordName('seeds', imsi));
      if (active) recent.remove(active);
      registered--;
      if (evicted++ === 0) log.warn({ maxRegistered }, seedEvictionWarning);
    });
  };
  let evicting: Promise<void> | undefined;
  /** Evicts the seeds that have been silent longest, one after the other. */
  const evictSurplus = (): Promise<void> => {
    evicting ??= (async () => {
      for (let tries = 0; registered > maxRegistered && tries < maxOvershoot; tries++) await evict();
    })()
      .catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'could not evict a seed for a new one');
      })
      .finally(() => {
        evicting = undefined;
      });
    return evicting;
  };

  const lpsOf = [...new Map([...Object.entries(lps), ...journal.found])].sort(([, a], [, b]) => a - b);
  for (const [position, [imsi, lps]] of lpsOf.entries()) {
    const record = await snapshot.load(recordName('seeds', imsi), () => loadRecord(imsi));
    // For the lock, which must be renewed, and for signals.
    if (position % loadedPerTurn === 0) await nextTurn();
    // Only wall time covers the time before this start; a time in the future counts as now.
    if (record) recent.touch({ ...record, lps }, Math.max(0, clock.now() - lps * 1_000));
    else log.warn({ imsi, file: disk.pathOf(lpsFile) }, 'the registration of an active seed is missing');
  }
  snapshot.loaded();

  return {
    store: {
      ping: (seed) => {
        const sinceMs = closing || flusher.failure ? undefined : recent.touchIfActive(seed);
        if (sinceMs === undefined) return registerInTurn(seed);
        flusher.mark();
        return sinceMs;
      },

      active: (maxAgeMs) => {
        // Seeds that became inactive after the last flush leave memory with another one.
        if (recent.stale(1).length > 0) flusher.mark();
        return recent.list(maxAgeMs);
      },
      usage: async () => ({ registered, evicted }),
      getActive: async (imsi, maxAgeMs) => recent.get(imsi, maxAgeMs),
      get: async (imsi) => {
        assertOpen();
        return recent.get(imsi) ?? (await queue.runExclusive(keyOf(imsi), () => readRecord(imsi)));
      },
    },
    close: async () => {
      // The last flush includes everything accepted up to this point.
      closing = true;
      try {
        await flusher.close();
      } finally {
        await journal.close();
      }
      await snapshot.close();
    },
  };
}
