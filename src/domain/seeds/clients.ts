// Gateway clients that work: seeds that ping, and phones that are known by the SMS that they deliver. Used by the routes
// of clients, reliability tests, and inbound SMS.

import { messageOf } from '../../errors.ts';
import { coalesceNext } from '../../lib/coalesce-next.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { sortInTurns } from '../../lib/sort-in-turns.ts';
import { maxMsisdnLength } from '../shared/identifiers.ts';
import type { Clock, LimitStore, Log, Telecom } from '../shared/ports.ts';
import { consumeAll } from '../shared/rate-limiting.ts';
import type { DeliveringClient } from './model.ts';
import type { DeliveringClientStore } from './ports.ts';
import type { Seeds, SeedView } from './seeds.ts';

/** A gateway client with what is known of its number; texts are empty where unknown. */
export interface ClientView {
  readonly msisdn: string;
  readonly country: string;
  readonly operator: string;
  /** MCC and MNC together, e.g. `62401`. */
  readonly operatorCode: string;
  /** Its last delivery, or its last ping while it has delivered nothing; Unix time in milliseconds. */
  readonly lastSeenAt: number;
  /** It is an active seed. */
  readonly isActive: boolean;
  /** Its last delivery, if it has delivered; Unix time in milliseconds. */
  readonly lastDeliveryAt?: number;
  /** While it is an active seed. */
  readonly seed?: SeedView;
}

export interface Clients {
  /** Active seeds first, then by the last delivery, the newest first. At most a second old. Throws UNAVAILABLE. */
  list(): Promise<readonly ClientView[]>;
  /** The client with this number, with or without `+` and separators. */
  find(number: string): Promise<ClientView | undefined>;
  /** The E.164 form of a number that a client gave, undefined when it is not a phone number. */
  numberOf(text: string): string | undefined;
  /**
   * Records that the client has delivered an SMS; durable within a second. An address can add a few new clients in an
   * hour only.
   */
  delivered(msisdn: string, address: string): void;
  /** Writes the deliveries that are still in memory. Never rejects. */
  close(): Promise<void>;
}

type NumberDetails = Pick<ClientView, 'country' | 'operator' | 'operatorCode'>;

/** What a list had. */
interface Listed {
  readonly number: NumberDetails;
  readonly view: ClientView;
}

export interface ClientsDeps {
  readonly store: { readonly clients: DeliveringClientStore; readonly limits: LimitStore };
  readonly seeds: Pick<Seeds, 'list'>;
  readonly telecom: Telecom;
  readonly clock: Clock;
  readonly log: Log;
}

/** Several deliveries share a write; with the write itself they are durable within a second. */
const writeDelayMs = 500;
const retryMs = 1_000;
const maxUnwritten = 10_000;
const internationalDigits = /^[1-9]\d{7,14}$/;
/** A list is reused for a time that grows with it, so that reading it again and again cannot occupy the process. */
const maxViewTtlMs = 1_000;
const viewsPerTtlMs = 10;
/** In one turn of the event loop; looking up a new number takes 0.1 ms. */
const newNumbersPerTurn = 20;
const viewsPerTurn = 500;
/** So that a stranger cannot evict the clients of others with invented ones. */
const newClientsPerAddress = { count: 20, windowMs: 3_600_000 } as const;

export function createClients({ store, seeds, telecom, clock, log }: ClientsDeps): Clients {
  const unwritten = new Map<string, DeliveringClient>();
  /** Of the last list, by number: most seeds and clients are as they were then. */
  let listed: ReadonlyMap<string, Listed> = new Map();
  /** Numbers that were recorded before; undefined until they are read. */
  let known: Set<string> | undefined;
  let views: { readonly at: number; readonly list: readonly ClientView[] } | undefined;
  let cancelTimer: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();
  let hasFailed = false;

  const write = async (): Promise<void> => {
    const clients = [...unwritten.values()];
    if (clients.length === 0) return;
    try {
      await store.clients.record(clients);
      hasFailed = false;
      for (const client of clients) {
        // Another delivery may have come meanwhile.
        if (unwritten.get(client.msisdn) === client) unwritten.delete(client.msisdn);
      }
    } catch (error) {
      if (!hasFailed) {
        log.warn({ reason: messageOf(error) }, 'could not record the last deliveries of gateway clients');
      }
      hasFailed = true;
    }
  };
  const schedule = (): void => {
    cancelTimer ??= clock.after(hasFailed ? retryMs : writeDelayMs, () => {
      cancelTimer = undefined;
      writing = writing.then(write).then(() => {
        if (unwritten.size > 0) schedule();
      });
    });
  };

  /** Others may have been admitted since `known` was read, so that it is another set by now, or none. */
  const remember = (msisdn: string): void => {
    known?.add(msisdn);
    // Reads again what the store has kept.
    if (known && known.size > 2 * maxUnwritten) known = undefined;
  };
  const isAdmitted = async (msisdn: string, address: string): Promise<boolean> => {
    known ??= new Set((await store.clients.list()).map((client) => client.msisdn));
    if (known.has(msisdn)) return true;
    if (await consumeAll(store.limits, [`client:address:${address}`], newClientsPerAddress)) return false;
    remember(msisdn);
    return true;
  };

  const describe = async (msisdn: string): Promise<NumberDetails> => {
    const operator = (await telecom.carrier(msisdn)) ?? '';
    const operatorCode = telecom.networks(msisdn, operator).codes[0] ?? '';
    return { country: telecom.country(msisdn) ?? '', operator, operatorCode };
  };
  const readViews = async (): Promise<readonly ClientView[]> => {
    const deliveries = await store.clients.list();
    const lastDeliveries = new Map(deliveries.map(({ msisdn, lastDeliveryAt }) => [msisdn, lastDeliveryAt]));
    for (const { msisdn, lastDeliveryAt } of unwritten.values()) lastDeliveries.set(msisdn, lastDeliveryAt);
    known = new Set(lastDeliveries.keys());
    const next = new Map<string, Listed>();
    let [built, described] = [0, 0];
    for (const [msisdn, seed] of numbersOf(await seeds.list(), lastDeliveries, next)) {
      const lastDeliveryAt = lastDeliveries.get(msisdn);
      let entry = listed.get(msisdn);
      if (!entry && ++described % newNumbersPerTurn === 0) await nextTurn();
      if (!entry || entry.view.seed !== seed || entry.view.lastDeliveryAt !== lastDeliveryAt) {
        const number = entry?.number ?? (await describe(msisdn));
        entry = { number, view: viewOf(msisdn, number, seed, lastDeliveryAt) };
      }
      next.set(msisdn, entry);
      if (++built % viewsPerTurn === 0) await nextTurn();
    }
    listed = next;
    const found = Array.from(next.values(), ({ view }) => view);
    return sortInTurns(found, activeFirst, viewsPerTurn);
  };

  const readNext = coalesceNext(async () => {
    const at = clock.monotonic();
    const found = await readViews();
    views = { at, list: found };
    return found;
  });
  const list: Clients['list'] = async () => {
    const ttlMs = views ? Math.min(maxViewTtlMs, Math.floor(views.list.length / viewsPerTtlMs)) : 0;
    return views && clock.monotonic() - views.at < ttlMs ? views.list : readNext('views');
  };
  const numberOf: Clients['numberOf'] = (text) => {
    if (text.length > maxMsisdnLength) return undefined;
    const number = telecom.normalise(text);
    if (number.kind === 'number') return number.msisdn;
    // Paths of URLs and names of platforms often have no +.
    const international = internationalDigits.test(text) ? telecom.normalise(`+${text}`) : number;
    return international.kind === 'number' ? international.msisdn : undefined;
  };

  return {
    list,
    numberOf,
    find: async (number) => {
      const found = await list();
      const canonical = numberOf(number);
      return found.find(({ msisdn }) => msisdn === number || msisdn === canonical);
    },
    delivered: (msisdn, address) => {
      const client = { msisdn, lastDeliveryAt: clock.now() };
      isAdmitted(msisdn, address).then(
        (isRecorded) => {
          if (!isRecorded || (unwritten.size >= maxUnwritten && !unwritten.has(msisdn))) return;
          unwritten.set(msisdn, client);
          schedule();
        },
        (error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'could not record a delivery of a gateway client');
        },
      );
    },
    close: async () => {
      cancelTimer?.();
      cancelTimer = undefined;
      await writing;
      await write();
    },
  };
}

/** Each number once at least. Of several SIMs with one number, the last that pinged counts. */
function* numbersOf(
  seeds: readonly SeedView[],
  lastDeliveries: ReadonlyMap<string, number>,
  listed: ReadonlyMap<string, unknown>,
): Generator<readonly [msisdn: string, seed?: SeedView]> {
  for (const seed of seeds) yield [seed.msisdn, seed];
  for (const msisdn of lastDeliveries.keys()) if (!listed.has(msisdn)) yield [msisdn];
}

/** Then by when they were last seen. */
function activeFirst(a: ClientView, b: ClientView): number {
  return Number(b.isActive) - Number(a.isActive) || b.lastSeenAt - a.lastSeenAt;
}

function viewOf(
  msisdn: string,
  number: NumberDetails,
  seed: SeedView | undefined,
  lastDeliveryAt: number | undefined,
): ClientView {
  const { operatorName, operatorId } = seed ?? {};
  // The IMSI knows better than the number, which may have been ported.
  const network = operatorName && operatorId && { operator: operatorName, operatorCode: operatorId };
  return {
    msisdn,
    ...number,
    ...(network || {}),
    lastSeenAt: lastDeliveryAt ?? (seed?.lps ?? 0) * 1_000,
    isActive: seed !== undefined,
    ...(lastDeliveryAt !== undefined && { lastDeliveryAt }),
    ...(seed && { seed }),
  };
}
