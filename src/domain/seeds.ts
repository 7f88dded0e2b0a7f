// Seeds: gateway clients say that they are alive, and phones ask which are.

import { SwobError } from '../errors.ts';
import { asSoonAs } from './as-soon-as.ts';
import { limited, takeAll, type UsedUp } from './limiting.ts';
import { mapAgain } from './map-again.ts';
import type { RateLimit, Seed, SeedType } from './model.ts';
import type { Clock, LimitStore, SeedStore, Telecom } from './ports.ts';
import { unlessSame } from './unless-same.ts';

/** An active seed with what its numbers tell; null where unknown. */
export interface SeedView extends Seed {
  readonly country: string | null;
  readonly operatorName: string | null;
  readonly operatorId: string | null;
}

export interface Seeds {
  /**
   * A gateway client is alive. @returns its LPS in seconds, at once where the store can; throws or rejects with LIMITED,
   * BAD_INPUT, UNAVAILABLE.
   * @param address where the request came from, for the rate limit
   */
  ping(seed: Omit<Seed, 'lps'>, address: string): number | Promise<number>;
  /** A seeder heard another SIM by SMS and tells its number: that SIM counts as alive now. */
  register(imsi: string, msisdn: string, address: string): Promise<number>;
  /**
   * Active seeds, least recently seen first, at once where the store can. As the store's: the very same array while nothing
   * has changed, and the same object for a seed that has not pinged.
   */
  list(type?: SeedType): readonly SeedView[] | Promise<readonly SeedView[]>;
  /** The MSISDN of an active seed. */
  msisdnOf(imsi: string): Promise<string | undefined>;
}

export interface SeedsDeps {
  readonly store: { readonly seeds: SeedStore; readonly limits: LimitStore };
  readonly clock: Clock;
  readonly telecom: Telecom;
  readonly expiryMs: number;
  readonly pingLimit: RateLimit;
  /** Whether an MSISDN must be a number that could exist. */
  readonly strict: boolean;
}

export function createSeeds({ store, clock, telecom, expiryMs, pingLimit, strict }: SeedsDeps): Seeds {
  const ping: Seeds['ping'] = (seed, address) => {
    if (strict && !telecom.isValid(seed.msisdn)) {
      throw new SwobError('BAD_INPUT', 'MSISDN is not a phone number that can exist');
    }
    const refused = takeAll(store.limits, [`ping:address:${address}`, `ping:imsi:${seed.imsi}`], pingLimit);
    return asSoonAs(refused, (it) => record(seed, it));
  };

  const record = (seed: Omit<Seed, 'lps'>, refused: UsedUp | undefined): number | Promise<number> => {
    if (refused) throw limited('pings', refused.seconds);
    const lps = clock.now() / 1_000;
    // Spelt out: a copy by `...` with one more member costs an eighth of a ping.
    const kept = store.seeds.ping({ imsi: seed.imsi, msisdn: seed.msisdn, seedType: seed.seedType, lps });
    return asSoonAs(kept, () => lps);
  };

  const viewOf = (seed: Seed): SeedView => {
    const { name, id } = telecom.operator(seed.imsi);
    return { ...seed, country: telecom.country(seed.msisdn), operatorName: name, operatorId: id };
  };
  const listOf = (type?: SeedType) => {
    const viewsOf = mapAgain(viewOf);
    return unlessSame((seeds: readonly Seed[]) =>
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
    list: (type) => asSoonAs(store.seeds.active(expiryMs), lists[type ?? 'all']),
    msisdnOf: async (imsi) => (await store.seeds.getActive(imsi, expiryMs))?.msisdn,
  };
}
