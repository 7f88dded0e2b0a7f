// Tunes V8's new space, where objects are allocated, for a daemon. Used by `swob serve` before anything else runs.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * The size of each semi-space after the first requests. Large enough for the objects of fifty concurrent requests: with V8's initial 1
 * MB, requests that wait for an upstream are promoted to the old space, and a disconnect costs 40 % more.
 */
const semiSpaceMb = 4;
/** The size under load: most of the time of a collection does not depend on the size, and half as many are needed. */
const busySemiSpaceMb = 8;

/**
 * Changes two defaults of V8 that cost a daemon memory and gain it nothing:
 * - The new space grows to two semi-spaces of 16 MB. The objects of a request are garbage once it is answered, so half of
 *   that is nearly as fast.
 * - Allocation-site pretenuring allocates objects in the old space when earlier ones from the same place lived long. A single
 *   slow upstream makes it do so for the listener arrays of `events`; from then on every request, and all that it refers
 *   to, lives until a full collection.
 *
 * V8 applies both from its next collection (Node 20, 22, 24 and 26). A version that does not know a flag prints that to stderr
 * and continues.
 *
 * Before the first thousand requests V8 keeps its initial size, so that an idle daemon does without 6 MB.
 *
 * @returns a function to call after each request, which restores the size that V8 has shrunk when idle, and lets it grow to that of a
 * busy daemon: V8 does neither by itself any more
 */
export function tuneNewSpace(): () => void {
  setFlagsFromString('--no-allocation-site-pretenuring');
  setFlagsFromString('--semi-space-growth-factor=1');
  let target = 2 * semiSpaceMb * mb;
  let count = 0;
  return () => {
    count++;
    if (count % checkEvery !== 0) return;
    growNewSpace(target);
    // V8's own maximum is lower where there are 512 MB of memory, or by an option of Node: filling it gains nothing and takes 150 ms.
    target = Math.min(target, newSpaceBytes());
    // V8 doubles the space once as many bytes have survived collections. Filling it here as well would take 40 ms.
    if (newSpaceBytes() < 2 * busySemiSpaceMb * mb) setFlagsFromString('--semi-space-growth-factor=2');
  };
}

/** Requests between two checks, one of which takes 10 µs. */
const checkEvery = 1_000;
const mb = 1024 * 1024;

/** Grows the new space to its target size in bytes, which becomes its maximum. */
function growNewSpace(target: number): void {
  // The minimum that V8 accepts, also while one of the semi-spaces is not allocated.
  const size = Math.max(newSpaceBytes(), 2 * mb);
  if (size < target) {
    setFlagsFromString(`--semi-space-growth-factor=${Math.ceil(target / size)}`);
    fillNewSpace(target);
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** V8 grows the space in a collection with many survivors; allocates a few times its size at most. */
function fillNewSpace(target: number): void {
  const reachable: number[][] = [];
  const length = 1_000;
  const maxArrays = (2 * target) / (8 * length);
  while (newSpaceBytes() < target && reachable.length < maxArrays)
    reachable.push(new Array<number>(length).fill(0));
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
