// Seeds: gateway clients say that they are alive, and phones ask which are.

import { SwobError } from '../errors.ts';
import { limited, takeAll } from './limiting.ts';
import type { RateLimit, Seed, SeedType } from './model.ts';
import type { Clock, LimitStore, SeedStore, Telecom } from './ports.ts';

/** An active seed with what its numbers tell; null where unknown. */
export interface SeedView extends Seed {
  readonly country: string | null;
  readonly operatorName: string | null;
  readonly operatorId: string | null;
}

export interface Seeds {
  /**
   * A gateway client is alive. @returns its LPS in seconds; throws LIMITED, BAD_INPUT, UNAVAILABLE.
   * @param address where the request came from, for the rate limit
   */
  ping(seed: Omit<Seed, 'lps'>, address: string): Promise<number>;
  /** A seeder heard another SIM by SMS and tells its number: that SIM counts as alive now. */
  register(imsi: string, msisdn: string, address: string): Promise<number>;
  /** Active seeds, least recently seen first. */
  list(type?: SeedType): Promise<SeedView[]>;
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
  const ping: Seeds['ping'] = async (seed, address) => {
    if (strict && !telecom.isValid(seed.msisdn)) {
      throw new SwobError('BAD_INPUT', 'MSISDN is not a phone number that can exist');
    }
    const refused = await takeAll(
      store.limits,
      [`ping:address:${address}`, `ping:imsi:${seed.imsi}`],
      pingLimit,
    );
    if (refused) throw limited('pings', refused.seconds);
    const lps = clock.now() / 1_000;
    await store.seeds.ping({ ...seed, lps });
    return lps;
  };

  return {
    ping,
    register: async (imsi, msisdn, address) => {
      const known = await store.seeds.get(imsi);
      return ping({ imsi, msisdn, seedType: known?.seedType ?? 'seed' }, address);
    },
    list: async (type) => {
      const seeds = await store.seeds.active(expiryMs);
      const wanted = type === undefined ? seeds : seeds.filter((seed) => seed.seedType === type);
      return wanted.map((seed) => {
        const { name, id } = telecom.operator(seed.imsi);
        return { ...seed, country: telecom.country(seed.msisdn), operatorName: name, operatorId: id };
      });
    },
    msisdnOf: async (imsi) => (await store.seeds.getActive(imsi, expiryMs))?.msisdn,
  };
}
