// Lets V8 collect the whole heap of a daemon less often. Used by `swob serve` before anything else runs.

import { setFlagsFromString } from 'node:v8';

/** In percent of what the last collection has left. */
const growthPercent = 100;

/**
 * Lets the heap double between two collections of the whole of it. V8 bounds its growth by how fast memory fills. For a daemon at half
 * load that is 8 MB, which each collection nearly used up by itself, as it moves what is in the new space to the old one: one every 2
 * s, with 70 to 130 ms of marking in steps, and 5 to 30 in one pause. For one under full load it is up to 300 %, so that memory was
 * higher.
 *
 * V8 applies it from its next collection (Node 20, 22, 24 and 26); its maximum of the heap applies all the same.
 */
export function letHeapDouble(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
}
