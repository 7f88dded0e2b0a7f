// Seeds of the lowdb store: registrations are files, written at once; the LPS of the seeds that pinged
// lately are in memory and in one file, flushed within a second. The others are on disk only.

import type { Seed } from '../../domain/model.ts';
import type { SeedStore } from '../../domain/ports.ts';
import { messageOf } from '../../errors.ts';
import { createRecentSeeds, isSameRegistration } from '../memory/recent-seeds.ts';
import type { StoreOptions } from '../options.ts';
import { tooManySeeds } from '../refusals.ts';
import { isSeed } from '../shapes.ts';
import type { Disk } from './disk.ts';
import { createFlusher } from './flusher.ts';
import { countRecords, openRecord } from './record.ts';
import { lpsFile, lpsText, readLps } from './seed-files.ts';
import type { Work } from './work.ts';

export interface LowdbSeeds {
  readonly store: SeedStore;
  close(): Promise<void>;
}

/** Seeds that leave memory after a flush: few, so that the next flush is not late. */
const retiredPerFlush = 100;
/** Files that are read at once when the store opens. */
const loadedAtOnce = 32;

/** Loads the seeds that pinged lately; throws UNAVAILABLE when a file of theirs is damaged. */
export async function openLowdbSeeds(
  disk: Disk,
  work: Work,
  options: StoreOptions,
  assertOpen: () => void,
): Promise<LowdbSeeds> {
  const { clock, log } = options;
  const { activeMs, maxRegistered } = options.seeds;
  const recent = createRecentSeeds(clock, activeMs);

  const recordOf = (imsi: string, when?: 'opening') =>
    openRecord(disk, 'seeds', imsi, (value): value is Seed => isSeed(value) && value.imsi === imsi, when);

  const readRecord = async (imsi: string, when?: 'opening'): Promise<Seed | undefined> => {
    const record = recordOf(imsi, when);
    await record.read();
    return record.data ?? undefined;
  };

  const writeRecord = async (seed: Seed): Promise<void> => {
    const record = recordOf(seed.imsi);
    record.data = seed;
    await record.write();
  };

  /** Gives a seed that is no longer active its last LPS on disk, and lets it go. */
  const retire = (old: Seed): Promise<void> =>
    work.inTurn(`seed ${old.imsi}`, async () => {
      // It may have pinged, or changed its number, while this waited.
      if (recent.get(old.imsi) !== old) return;
      const stored = await readRecord(old.imsi);
      if (stored && stored.lps !== old.lps) await writeRecord({ ...stored, lps: old.lps });
      recent.drop(old);
    });

  const flusher = createFlusher(clock, log, disk.folder, async () => {
    await disk.write(lpsFile, lpsText(recent.all()));
    const leaving = recent.stale(retiredPerFlush).map(async (old) => {
      await retire(old).catch((error: unknown) => {
        // Its LPS no longer matters, and its registration is tried again when it pings.
        log.warn({ reason: messageOf(error) }, 'the last LPS of a seed could not be kept');
        recent.drop(old);
      });
    });
    await Promise.all(leaving);
  });

  const touch = (seed: Seed): void => {
    recent.touch(seed);
    flusher.mark();
  };

  let registered = await countRecords(disk, 'seeds');
  let closing = false;

  const register = async (seed: Seed): Promise<void> => {
    const known = recent.get(seed.imsi) ?? (await readRecord(seed.imsi));
    if (!known || !isSameRegistration(known, seed)) {
      if (!known && registered >= maxRegistered) throw tooManySeeds(maxRegistered);
      // Counted before the write, so that many at once do not pass the bound together.
      if (!known) registered++;
      try {
        await writeRecord(seed);
      } catch (error) {
        if (!known) registered--;
        throw error;
      }
    }
    touch(seed);
  };

  const registerInTurn = async (seed: Seed): Promise<void> => {
    assertOpen();
    if (flusher.failure) throw flusher.failure;
    await work.inTurn(`seed ${seed.imsi}`, () => register(seed));
  };

  const lpsOf = (await readLps(disk)).sort(([, a], [, b]) => a - b);
  for (let start = 0; start < lpsOf.length; start += loadedAtOnce) {
    const batch = lpsOf.slice(start, start + loadedAtOnce);
    const records = await Promise.all(batch.map(([imsi]) => readRecord(imsi, 'opening')));
    for (const [index, [imsi, lps]] of batch.entries()) {
      const record = records[index];
      // Wall time is all that is known of the time before this start; a time to come counts as now.
      if (record) recent.touch({ ...record, lps }, Math.max(0, clock.now() - lps * 1_000));
      else log.warn({ imsi, file: disk.pathOf(lpsFile) }, 'a seed pinged, but its registration is gone');
    }
  }

  return {
    store: {
      ping: (seed) =>
        closing || flusher.failure || !recent.touchKnown(seed) ? registerInTurn(seed) : flusher.mark(),

      active: (maxAgeMs) => {
        // Those that went quiet when the last flush was over leave memory by another one.
        if (recent.stale(1).length > 0) flusher.mark();
        return recent.list(maxAgeMs);
      },
      getActive: async (imsi, maxAgeMs) => recent.get(imsi, maxAgeMs),
      get: async (imsi) => {
        assertOpen();
        return recent.get(imsi) ?? (await work.run(() => readRecord(imsi)));
      },
    },
    close: () => {
      // What is taken until here is in the last flush.
      closing = true;
      return flusher.close();
    },
  };
}
