// How V8 keeps young objects in a daemon. Used by `swob serve`, before all else.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Of the two halves that V8 copies between. It holds what fifty requests at once have made; with 1 MB, V8's first size,
 * those that wait for an upstream are taken for old, and a disconnect costs two fifths more.
 */
const halfMb = 4;

/**
 * Both of what this changes costs a daemon memory and gives it nothing:
 * - V8 lets the space for young objects grow to 16 MB, keeps it twice, and never gives it back. What a request makes is
 *   dead when it has been answered: a quarter of that is as quick.
 * - V8 learns where long-lived objects come from and puts them among the old at once. One slow upstream teaches it that of
 *   the arrays in which `events` keeps the listeners of each request; from then on every request, and all that hangs on
 *   it, lives until a collection of the whole heap.
 *
 * V8 takes both while it runs, from the next collection on (Node 20, 22 and 24). One that does not know a flag says so on
 * stderr and goes on.
 *
 * @returns to be called for each piece of work: in a quiet time V8 gives most of the space back, which is well, but by itself
 * it would not take it again
 */
export function keepYoungObjectsCheap(): () => void {
  setFlagsFromString('--no-allocation-site-pretenuring');
  growYoungSpace();
  let done = 0;
  return () => {
    done++;
    if (done % lookEvery === 0) growYoungSpace();
  };
}

/** So many pieces of work fill the smallest space often enough to notice, and one look at it takes 10 µs. */
const lookEvery = 1_000;
const mb = 1024 * 1024;

/** To what it shall be, and no more. */
function growYoungSpace(): void {
  // V8's smallest, even where one of its halves has no memory now.
  const size = Math.max(youngBytes(), 2 * mb);
  if (size < 2 * halfMb * mb) {
    setFlagsFromString(`--semi-space-growth-factor=${Math.ceil((2 * halfMb * mb) / size)}`);
    fillYoungSpace();
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** It grows in a collection that finds much alive. Makes no more for that than a few times its size. */
function fillYoungSpace(): void {
  const bytes = mb * halfMb;
  const alive: number[][] = [];
  const length = 1_000;
  const most = (4 * bytes) / (8 * length);
  while (youngBytes() < 2 * bytes && alive.length < most) alive.push(new Array<number>(length).fill(0));
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
