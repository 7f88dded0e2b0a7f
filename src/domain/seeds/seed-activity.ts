// What this process has seen of each seed since it started: when it fell silent and came back, and how many SMS each gateway
// client has handed in today. In memory and bounded. Used by seed-table.ts.

import type { HistoryEvent } from '../shared/model.ts';
import type { Clock } from '../shared/ports.ts';
import type { Seed, SeedType } from './model.ts';

/** A seed that has pinged this process. */
export interface SeenSeed {
  readonly imsi: string;
  readonly msisdn: string;
  readonly seedType: SeedType;
  /** Unix time in milliseconds. */
  readonly lastPingAt: number;
  readonly isSilent: boolean;
}

export interface SeedActivity {
  /** Records an accepted ping, as `onPing` of seeds.ts reports it. */
  pinged(seed: Omit<Seed, 'lps'>): void;
  /** Records an SMS that a gateway client has handed in. */
  delivered(msisdn: string): void;
  find(imsi: string): SeenSeed | undefined;
  /** Seeds that have been silent for longer than they are active, the longest silent first. */
  silent(): readonly SeenSeed[];
  /** The oldest first; that it is silent now comes last. */
  history(imsi: string): readonly HistoryEvent[];
  /** SMS of a gateway client since midnight UTC, or since the start. */
  today(msisdn: string): number;
  /** Start of the records, Unix time in milliseconds. */
  readonly since: number;
}

interface Record {
  msisdn: string;
  seedType: SeedType;
  /** By the monotonic clock. */
  pingedAt: number;
  lastPingAt: number;
  history: readonly HistoryEvent[];
}

/** Seeds with a history; with 12 events each 20 MB at most, and 4 MB usually. */
const maxSeeds = 20_000;
const maxEvents = 12;
const maxCounted = 10_000;
const dayMs = 86_400_000;
const started = 'first ping since the start of swob';

export function createSeedActivity(clock: Pick<Clock, 'now' | 'monotonic'>, expiryMs: number): SeedActivity {
  const seeds = new Map<string, Record>();
  const counts = new Map<string, number>();
  const since = clock.now();
  let countedDay = dayOf(since);

  const addEvents = (record: Record, ...events: readonly HistoryEvent[]): void => {
    record.history = [...record.history, ...events].slice(-maxEvents);
  };
  const isSilent = ({ pingedAt }: Record): boolean => clock.monotonic() - pingedAt > expiryMs;
  const silence = ({ lastPingAt }: Record): HistoryEvent => ({
    at: lastPingAt + expiryMs,
    event: 'silent: no ping',
  });
  const seenOf = (imsi: string, record: Record): SeenSeed => {
    const { msisdn, seedType, lastPingAt } = record;
    return { imsi, msisdn, seedType, lastPingAt, isSilent: isSilent(record) };
  };
  const add = (imsi: string, record: Record): void => {
    seeds.set(imsi, record);
    const [first] = seeds.keys();
    if (seeds.size > maxSeeds && first !== undefined) seeds.delete(first);
  };
  /** Starts to count anew at midnight UTC. */
  const countsToday = (): Map<string, number> => {
    const today = dayOf(clock.now());
    if (today !== countedDay) counts.clear();
    countedDay = today;
    return counts;
  };

  return {
    pinged: ({ imsi, msisdn, seedType }) => {
      const now = clock.now();
      const pingedAt = clock.monotonic();
      const known = seeds.get(imsi);
      if (!known) {
        return add(imsi, {
          ...{ msisdn, seedType, pingedAt, lastPingAt: now },
          history: [{ at: now, event: started }],
        });
      }
      if (pingedAt - known.pingedAt > expiryMs) addEvents(known, silence(known), { at: now, event: 'back' });
      if (known.msisdn !== msisdn)
        addEvents(known, { at: now, event: `number changed from ${known.msisdn}` });
      known.msisdn = msisdn;
      known.seedType = seedType;
      known.pingedAt = pingedAt;
      known.lastPingAt = now;
    },
    delivered: (msisdn) => {
      const today = countsToday();
      if (today.has(msisdn) || today.size < maxCounted) today.set(msisdn, (today.get(msisdn) ?? 0) + 1);
    },
    find: (imsi) => {
      const record = seeds.get(imsi);
      return record && seenOf(imsi, record);
    },
    silent: () =>
      [...seeds]
        .filter(([, record]) => isSilent(record))
        .map(([imsi, record]) => seenOf(imsi, record))
        .sort((a, b) => a.lastPingAt - b.lastPingAt),
    history: (imsi) => {
      const record = seeds.get(imsi);
      if (!record) return [];
      return isSilent(record) ? [...record.history, silence(record)] : record.history;
    },
    today: (msisdn) => countsToday().get(msisdn) ?? 0,
    since,
  };
}

function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}
