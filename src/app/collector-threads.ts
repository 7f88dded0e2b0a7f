// Lets V8 collect garbage without helper threads where every core has a process of its own. Used by `swob serve` before anything
// else runs.

import { setFlagsFromString } from 'node:v8';

/** What V8 reads at each collection (Node 20, 22, 24 and 26). Marking is incremental all the same. */
export const collectorFlags = ['--no-parallel-scavenge', '--no-concurrent-marking'];

/**
 * V8 starts several threads for a collection. Without a free core they share that of the event loop, which then gets a third of it
 * for up to 40 ms: p99.9 of pings beside all other work was 70 ms instead of 20 to 25 (C13).
 * @param cores that this process may use
 * @param processes that share them
 */
export function limitCollectorThreads(
  cores: number,
  processes: number,
  setFlag: (flag: string) => void = setFlagsFromString,
): void {
  if (cores > processes) return;
  for (const flag of collectorFlags) setFlag(flag);
}
