// The list of active seeds between the owner of the store and a client: only what has changed since the client's last list
// travels, because pages ask for thousands of seeds of which few have pinged. Used by owner.ts and client.ts.

import type { Seed } from '../../domain/seeds/model.ts';
import type { SeedStore } from '../../domain/seeds/ports.ts';
import { coalesceNext } from '../../lib/coalesce-next.ts';

/**
 * A list as a change of an earlier one: first its version and the numbers of members of the earlier list that it keeps, drops,
 * keeps, drops… in turn, then the members that follow those that it keeps.
 */
type ListChange = readonly [header: readonly number[], ...following: Seed[]];

export interface ActiveSeeds {
  /** The list as a change of that with this version, or of an empty one. Undefined when it is the same. */
  since(maxAgeMs: number, version: number): Promise<ListChange | undefined>;
}

/** For one client. Seeds are unchanged as long as the store returns the identical object. */
export function createActiveSeeds(seeds: Pick<SeedStore, 'active'>): ActiveSeeds {
  let last: { readonly version: number; readonly seeds: readonly Seed[] } = { version: 0, seeds: [] };
  return {
    since: async (maxAgeMs, version) => {
      const active = await seeds.active(maxAgeMs);
      const isKnown = version === last.version;
      if (isKnown && active === last.seeds) return undefined;
      const earlier = isKnown ? last.seeds : [];
      const { runs, kept } = runsOf(earlier, active);
      last = { version: last.version + 1, seeds: active };
      return [[last.version, ...runs], ...active.slice(kept)];
    },
  };
}

/**
 * The runs of members that are kept and dropped. The store orders seeds by their pings, so that those that have not pinged since
 * come first and in the same order; in any other order fewer are kept.
 */
function runsOf(earlier: readonly Seed[], active: readonly Seed[]): { runs: number[]; kept: number } {
  const runs: number[] = [];
  let kept = 0;
  let isKeeping = true;
  let length = 0;
  for (const seed of earlier) {
    const isKept = seed === active[kept];
    if (isKept) kept++;
    if (isKept !== isKeeping) {
      runs.push(length);
      isKeeping = isKept;
      length = 0;
    }
    length++;
  }
  runs.push(length);
  return { runs, kept };
}

/** `active` of a client: the identical array while nothing has changed, and the identical object for an unchanged seed. */
export function createActiveList({ since }: ActiveSeeds): SeedStore['active'] {
  let last: { readonly version: number; readonly seeds: readonly Seed[] } = { version: 0, seeds: [] };
  // One call at a time, so that each one is a change of the list of the one before.
  return coalesceNext(async (maxAgeMs: number) => {
    const change = await since(maxAgeMs, last.version);
    if (change === undefined) return last.seeds;
    const [[version = 0, ...runs], ...following] = change;
    last = { version, seeds: [...keptOf(last.seeds, runs), ...following] };
    return last.seeds;
  });
}

function keptOf(earlier: readonly Seed[], runs: readonly number[]): Seed[] {
  let end = 0;
  return runs.flatMap((length, index) => {
    end += length;
    return index % 2 === 0 ? earlier.slice(end - length, end) : [];
  });
}
