// Seeds: gateway clients ping, and phones request the list of active ones.

import { SwobError } from '../../errors.ts';
import { mapMemoized } from '../../lib/map-memoized.ts';
import { type MaybePromise, mapMaybe } from '../../lib/maybe-promise.ts';
import { memoizeLast } from '../../lib/memoize-last.ts';
import type { LimitExceeded } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import { type NormalisedNumber, numberFaults } from '../shared/phone-number.ts';
import type { Clock, LimitStore, Telecom } from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';
import type { Seed, SeedType } from './model.ts';
import type { SeedStore } from './ports.ts';

/** An active seed with country and operator, null where unknown. */
export interface SeedView extends Seed {
  readonly country: string | null;
  readonly operatorName: string | null;
  readonly operatorId: string | null;
}

export interface Seeds {
  /**
   * Records a ping, with the number in E.164 format. @returns the LPS in seconds, synchronously where the store can; throws or rejects with LIMITED,
   * BAD_INPUT, UNAVAILABLE.
   * @param address of the client, for the rate limit
   */
  ping(seed: Omit<Seed, 'lps'>, address: string): MaybePromise<number>;
  /** Records a ping for a SIM whose SMS a seeder has received, with its number. */
  register(imsi: string, msisdn: string, address: string): Promise<number>;
  /**
   * Active seeds, least recently seen first, synchronously where the store can and few have changed. As in the store, arrays and objects are
   * identical while nothing has changed.
   */
  list(type?: SeedType): MaybePromise<readonly SeedView[]>;
  /** The MSISDN of an active seed. */
  msisdnOf(imsi: string): Promise<string | undefined>;
}

export interface SeedsDeps {
  readonly store: { readonly seeds: SeedStore; readonly limits: LimitStore };
  readonly clock: Clock;
  readonly telecom: Telecom;
  readonly expiryMs: number;
  readonly pingLimit: RateLimit;
  readonly parseMsisdn: (text: string) => NormalisedNumber;
  /** Called for each recorded ping, with the time since the one before, where the store knows it. */
  readonly onPing?: (seed: Seed, sinceLastMs?: number) => void;
}

/** Looking up the country of a new number takes 10 µs, and at first, before the code is optimised, twenty times that. */
const viewsPerTurn = 50;

export function createSeeds(deps: SeedsDeps): Seeds {
  const { store, clock, telecom, expiryMs, pingLimit, parseMsisdn, onPing } = deps;
  const ping: Seeds['ping'] = (seed, address) => {
    const number = parseMsisdn(seed.msisdn);
    if (number.kind === 'invalid') {
      const why = numberFaults[number.reason];
      throw new SwobError('BAD_INPUT', `MSISDN is not a possible phone number: ${why}`);
    }
    const refused = consumeAll(
      store.limits,
      [`ping:address:${address}`, `ping:imsi:${seed.imsi}`],
      pingLimit,
    );
    return mapMaybe(refused, (it) => record(seed, number.msisdn, it));
  };

  const record = (
    { imsi, seedType }: Omit<Seed, 'lps'>,
    msisdn: string,
    refused: LimitExceeded | undefined,
  ): MaybePromise<number> => {
    if (refused) throw rateLimited('pings', refused.seconds);
    const lps = clock.now() / 1_000;
    // Copied member by member, because a spread costs an eighth of a ping.
    const seed = { imsi, msisdn, seedType, lps };
    return mapMaybe(store.seeds.ping(seed), (sinceLastMs) => {
      onPing?.(seed, sinceLastMs);
      return lps;
    });
  };

  const viewOf = (seed: Seed): SeedView => {
    const { name, id } = telecom.operator(seed.imsi);
    return { ...seed, country: telecom.country(seed.msisdn), operatorName: name, operatorId: id };
  };
  const listOf = (type?: SeedType) => {
    const viewsOf = mapMemoized(viewOf, viewsPerTurn);
    return memoizeLast((seeds: readonly Seed[]) =>
      viewsOf(type === undefined ? seeds : seeds.filter((seed) => seed.seedType === type)),
    );
  };
  const lists = { all: listOf(), seed: listOf('seed'), seeder: listOf('seeder') };

  return {
    ping,
    register: async (imsi, msisdn, address) => {
      const known = await store.seeds.get(imsi);
      return ping({ imsi, msisdn, seedType: known?.seedType ?? 'seed' }, address);
    },
    list: (type) => mapMaybe(store.seeds.active(expiryMs), lists[type ?? 'all']),
    msisdnOf: async (imsi) => (await store.seeds.getActive(imsi, expiryMs))?.msisdn,
  };
}
