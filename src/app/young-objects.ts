// How V8 keeps young objects in a daemon. Used by `swob serve`, before all else.

import { setFlagsFromString } from 'node:v8';

/**
 * Both of these cost a daemon memory and give it nothing:
 * - V8 lets the space for young objects grow from 1 MB to 16 twice over, and never gives it back. What a request makes is
 *   dead when it has been answered, so a small space is as quick, and stays in the processor's cache.
 * - V8 learns where long-lived objects come from and puts them among the old at once. One slow upstream teaches it that of
 *   the arrays in which `events` keeps the listeners of each request; from then on every request, and all that hangs on
 *   it, lives until a collection of the whole heap.
 *
 * V8 takes both while it runs, from the next collection on, and says nothing of flags that it does not know.
 */
export function keepYoungObjectsCheap(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-allocation-site-pretenuring');
}
