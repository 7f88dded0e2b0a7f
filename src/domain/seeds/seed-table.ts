// The table of gateway clients that operators see: which numbers work now, filtered, sorted and a page at a time. Used by the
// console's seeds.

import { coalesceNext } from '../../lib/coalesce-next.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { sortInTurns } from '../../lib/sort-in-turns.ts';
import type { HistoryEvent } from '../shared/model.ts';
import type { MissingNode } from '../shared/node-requests.ts';
import type { Clock, Telecom } from '../shared/ports.ts';
import type { Clients, ClientView } from './clients.ts';
import type { ClusterActivity } from './cluster-activity.ts';
import { reliabilityPeriod, type SeedType } from './model.ts';
import type { ReliabilityTestStore } from './ports.ts';
import type { Reliability, TestList } from './reliability.ts';
import type { SeenSeed } from './seed-activity.ts';
import { compareRows, type SeedFilter, type SeedSort, toRowFilter } from './seed-query.ts';

/**
 * - `active`: it pings
 * - `silent`: it has pinged this process, and does no longer
 * - `delivers`: it does not ping, and is known by the SMS that it submits
 */
type SeedState = 'active' | 'silent' | 'delivers';

export interface SeedRow {
  readonly msisdn: string;
  readonly state: SeedState;
  readonly imsi?: string;
  readonly seedType?: SeedType;
  /** This and the operator are empty where unknown. */
  readonly country: string;
  readonly operator: string;
  /** Unix times in milliseconds. */
  readonly lastPingAt?: number;
  readonly lastDeliveryAt?: number;
  /** Of the tests of 30 days: those that arrived in time in percent, and their number; undefined without a test. */
  readonly reliability?: { readonly percent: number; readonly tests: number };
  /** SMS submitted since midnight UTC. */
  readonly today: number;
}

export interface SeedPage {
  readonly seeds: readonly SeedRow[];
  /** Those that match, and all. */
  readonly total: number;
  readonly all: number;
  /** Active seeds of all. */
  readonly active: number;
  /** Countries of all seeds by name, with the number of their seeds. */
  readonly countries: readonly { readonly name: string; readonly seeds: number }[];
  /** Since when seeds have been watched, Unix time in milliseconds. */
  readonly since: number;
  /** Nodes whose part is missing. */
  readonly missing: readonly MissingNode[];
}

export interface SeedDetails {
  readonly seed: SeedRow;
  /** What the nodes have seen, the oldest first. */
  readonly history: readonly HistoryEvent[];
  /** The latest tests. */
  readonly tests: TestList;
  readonly missing: readonly MissingNode[];
}

export interface SeedTable {
  /** At most a few seconds old. Throws UNAVAILABLE. */
  page(
    query: SeedFilter & { readonly sort: SeedSort; readonly offset: number; readonly limit: number },
  ): Promise<SeedPage>;
  /** One seed by its number; undefined when it is unknown. Throws UNAVAILABLE. */
  details(msisdn: string): Promise<SeedDetails | undefined>;
}

export interface SeedTableDeps {
  readonly clients: Pick<Clients, 'list'>;
  readonly reliability: Pick<Reliability, 'list'>;
  readonly tests: Pick<ReliabilityTestStore, 'count'>;
  readonly activity: ClusterActivity;
  readonly telecom: Pick<Telecom, 'country' | 'operator'>;
  readonly clock: Clock;
}

/** Tests are counted this often while a page shows the table, and for this many numbers in one turn. */
const countEveryMs = 10_000;
const countedPerTurn = 500;
/** Rows are reused for a second, and for longer the more there are: 5 s for 10,000. */
const minReuseMs = 1_000;
const reuseMsPerRow = 0.5;
/** Put together in one turn. */
const rowsPerTurn = 500;
const silentPerTurn = 100;
const shownTests = 10;

interface Table extends Pick<SeedPage, 'active' | 'countries' | 'since' | 'missing'> {
  readonly at: number;
  readonly rows: readonly SeedRow[];
}

export function createSeedTable(deps: SeedTableDeps): SeedTable {
  const { clients, reliability, tests, activity, telecom, clock } = deps;
  let counted: { readonly at: number; readonly shares: ReadonlyMap<string, SeedRow['reliability']> } = {
    at: Number.NEGATIVE_INFINITY,
    shares: new Map(),
  };
  /** Of silent seeds, because looking one up costs 0.1 ms. */
  let places = new Map<string, Pick<SeedRow, 'country' | 'operator'>>();
  let table: Table | undefined;
  let today: (msisdn: string) => number = () => 0;

  const countTests = async (views: readonly ClientView[], silent: readonly SeenSeed[]): Promise<void> => {
    if (clock.monotonic() - counted.at < countEveryMs) return;
    const msisdns = [...new Set([...views, ...silent].map(({ msisdn }) => msisdn))];
    const period = reliabilityPeriod(clock.now());
    const shares = new Map<string, SeedRow['reliability']>();
    for (let start = 0; start < msisdns.length; start += countedPerTurn) {
      if (start > 0) await nextTurn();
      const some = msisdns.slice(start, start + countedPerTurn);
      for (const [index, { decided, inTime }] of (await tests.count(some, period)).entries()) {
        if (decided > 0) shares.set(some[index] ?? '', { percent: (100 * inTime) / decided, tests: decided });
      }
    }
    counted = { at: clock.monotonic(), shares };
  };

  const rowOf = ({ msisdn, country, operator, isActive, lastDeliveryAt, seed }: ClientView): SeedRow => {
    const share = counted.shares.get(msisdn);
    return {
      msisdn,
      country,
      operator,
      state: isActive ? 'active' : 'delivers',
      today: today(msisdn),
      ...(seed && { imsi: seed.imsi, seedType: seed.seedType, lastPingAt: Math.round(seed.lps * 1_000) }),
      ...(lastDeliveryAt !== undefined && { lastDeliveryAt }),
      ...(share && { reliability: share }),
    };
  };
  /** A seed that fell silent, together with what its number has delivered. */
  const silentRow = ({ imsi, msisdn, seedType, lastPingAt }: SeenSeed, other?: SeedRow): SeedRow => {
    const share = counted.shares.get(msisdn);
    const key = placeKey({ imsi, msisdn });
    const place = places.get(key) ?? {
      country: telecom.country(msisdn) ?? '',
      operator: telecom.operator(imsi).name ?? '',
    };
    places.set(key, place);
    return {
      ...place,
      today: today(msisdn),
      ...(share && { reliability: share }),
      ...other,
      imsi,
      msisdn,
      seedType,
      lastPingAt,
      state: 'silent',
    };
  };

  const readRows = async (): Promise<Omit<Table, 'at'>> => {
    const views = await clients.list();
    const { silent, since, missing, ...seen } = await activity.read();
    today = seen.today;
    await countTests(views, silent);
    const rows = new Map<string, SeedRow>();
    for (const [index, view] of views.entries()) {
      if (index % rowsPerTurn === rowsPerTurn - 1) await nextTurn();
      rows.set(view.msisdn, rowOf(view));
    }
    const earlier = places;
    places = new Map();
    for (const [index, seed] of silent.entries()) {
      if (index % silentPerTurn === silentPerTurn - 1) await nextTurn();
      const key = placeKey(seed);
      const place = earlier.get(key);
      if (place) places.set(key, place);
      const known = rows.get(seed.msisdn);
      // Another SIM with this number pings, perhaps through another node.
      if (known?.state !== 'active') rows.set(seed.msisdn, silentRow(seed, known));
    }
    await nextTurn();
    const all = [...rows.values()];
    const active = all.filter(({ state }) => state === 'active').length;
    return { rows: all, active, countries: countriesOf(all), since, missing };
  };
  const readNext = coalesceNext(async (_key: 'rows') => {
    if (table && clock.monotonic() - table.at < Math.max(minReuseMs, table.rows.length * reuseMsPerRow))
      return table;
    const read = await readRows();
    table = { at: clock.monotonic(), ...read };
    return table;
  });

  return {
    page: async ({ sort, offset, limit, ...filter }) => {
      const { rows, active, countries, since, missing } = await readNext('rows');
      const found = rows.filter(toRowFilter(filter));
      const sorted = await sortInTurns(found, compareRows(sort, clock.now()), rowsPerTurn);
      return {
        seeds: sorted.slice(offset, offset + limit),
        total: found.length,
        all: rows.length,
        active,
        countries,
        since,
        missing,
      };
    },
    details: async (msisdn) => {
      const seed = (await readNext('rows')).rows.find((row) => row.msisdn === msisdn);
      if (!seed) return undefined;
      const { events, missing } =
        seed.imsi === undefined ? { events: [], missing: [] } : await activity.history(seed.imsi);
      return {
        seed,
        history: events,
        missing,
        tests: await reliability.list(msisdn, { page: 1, perPage: shownTests }),
      };
    },
  };
}

function placeKey({ imsi, msisdn }: Pick<SeenSeed, 'imsi' | 'msisdn'>): string {
  return `${imsi} ${msisdn}`;
}

function countriesOf(rows: readonly SeedRow[]): SeedPage['countries'] {
  const counts = new Map<string, number>();
  for (const { country } of rows) if (country !== '') counts.set(country, (counts.get(country) ?? 0) + 1);
  return [...counts].map(([name, seeds]) => ({ name, seeds })).sort((a, b) => (a.name < b.name ? -1 : 1));
}
