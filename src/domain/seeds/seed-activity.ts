// What this process has seen of each seed since it started: when it fell silent and came back, and how many SMS each gateway
// client has submitted today. In memory and bounded. Used by cluster-activity.ts.

import { createDaily } from '../shared/daily.ts';
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
  /**
   * Records an accepted ping, as `onPing` of seeds.ts reports it.
   * @param sinceLastMs since the ping before, on whatever node, where the store knows it
   */
  pinged(seed: Omit<Seed, 'lps'>, sinceLastMs?: number): void;
  /** Records an SMS that a gateway client has submitted. */
  delivered(msisdn: string): void;
  find(imsi: string): SeenSeed | undefined;
  /** Seeds that have been silent for longer than they are active, the longest silent first. */
  silent(): readonly SeenSeed[];
  /** Undefined for a seed that has not pinged this process. */
  timeline(imsi: string): SeedTimeline | undefined;
  /** SMS of each gateway client since midnight UTC, or since the start. */
  counts(): readonly (readonly [msisdn: string, count: number])[];
  /** Start of the records, Unix time in milliseconds. */
  readonly since: number;
}

/** What this process has seen of one seed. */
interface SeedTimeline {
  /** The oldest first. */
  readonly events: readonly HistoryEvent[];
  readonly lastPingAt: number;
  readonly isSilent: boolean;
  /** How long a seed is active after a ping, in milliseconds. */
  readonly expiryMs: number;
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
const started = 'first ping since the start of swob';
const silent = 'silent: no ping';
const numberChanged = 'number changed from ';

export function createSeedActivity(clock: Pick<Clock, 'now' | 'monotonic'>, expiryMs: number): SeedActivity {
  const seeds = new Map<string, Record>();
  const counts = createDaily(clock, () => new Map<string, number>());
  const since = clock.now();

  const addEvents = (record: Record, ...events: readonly HistoryEvent[]): void => {
    record.history = [...record.history, ...events].slice(-maxEvents);
  };
  const isSilent = ({ pingedAt }: Record, at = clock.monotonic()): boolean => at - pingedAt > expiryMs;
  const seenOf = (imsi: string, record: Record): SeenSeed => {
    const { msisdn, seedType, lastPingAt } = record;
    return { imsi, msisdn, seedType, lastPingAt, isSilent: isSilent(record) };
  };
  const add = (imsi: string, record: Record): void => {
    seeds.set(imsi, record);
    const [first] = seeds.keys();
    if (seeds.size > maxSeeds && first !== undefined) seeds.delete(first);
  };

  return {
    pinged: ({ imsi, msisdn, seedType }, sinceLastMs) => {
      const now = clock.now();
      const pingedAt = clock.monotonic();
      const known = seeds.get(imsi);
      const sinceMs = sinceLastMs ?? (known ? pingedAt - known.pingedAt : 0);
      const isBack = sinceMs > expiryMs;
      const silence = { at: now - sinceMs + expiryMs, event: silent };
      const back = { at: now, event: 'back' };
      if (!known) {
        return add(imsi, {
          msisdn,
          seedType,
          pingedAt,
          lastPingAt: now,
          history: isBack ? [silence, back] : [{ at: now, event: started }],
        });
      }
      if (isBack) addEvents(known, silence, back);
      if (known.msisdn !== msisdn) addEvents(known, { at: now, event: `${numberChanged}${known.msisdn}` });
      known.msisdn = msisdn;
      known.seedType = seedType;
      known.pingedAt = pingedAt;
      known.lastPingAt = now;
    },
    delivered: (msisdn) => {
      const today = counts.current();
      if (today.has(msisdn) || today.size < maxCounted) today.set(msisdn, (today.get(msisdn) ?? 0) + 1);
    },
    find: (imsi) => {
      const record = seeds.get(imsi);
      return record && seenOf(imsi, record);
    },
    silent: () => {
      // Of ten thousand seeds hardly any is silent, so that they are not copied first.
      const at = clock.monotonic();
      const found: SeenSeed[] = [];
      for (const [imsi, record] of seeds) if (isSilent(record, at)) found.push(seenOf(imsi, record));
      return found.sort((a, b) => a.lastPingAt - b.lastPingAt);
    },
    timeline: (imsi) => {
      const record = seeds.get(imsi);
      if (!record) return undefined;
      const { history: events, lastPingAt } = record;
      return { events, lastPingAt, isSilent: isSilent(record), expiryMs };
    },
    counts: () => [...counts.current()],
    since,
  };
}

/** The history of a seed of what each node has seen, the oldest first; that it is silent now comes last. */
export function historyOf(timelines: readonly SeedTimeline[]): readonly HistoryEvent[] {
  const events: HistoryEvent[] = [];
  let number: string | undefined;
  for (const each of timelines.flatMap((timeline) => timeline.events).sort((a, b) => a.at - b.at)) {
    // Each node has its own first ping, and notices a changed number by itself.
    if (each.event === started && events.length > 0) continue;
    if (each.event.startsWith(numberChanged)) {
      if (each.event === number) continue;
      number = each.event;
    }
    events.push(each);
  }
  const last = timelines.reduce<SeedTimeline | undefined>(
    (latest, each) => (latest && latest.lastPingAt >= each.lastPingAt ? latest : each),
    undefined,
  );
  const isSilent = last !== undefined && timelines.every((each) => each.isSilent);
  return isSilent ? [...events, { at: last.lastPingAt + last.expiryMs, event: silent }] : events;
}
