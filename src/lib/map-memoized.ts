// Maps lists that are much like the one before. Used for the lists of seeds.

import type { MaybePromise } from './maybe-promise.ts';
import { nextTurn } from './next-turn.ts';

/**
 * As `list.map(make)`, but `make` is not called again for what the last list had, as long as lists change as those of
 * seeds do: items leave anywhere, and new ones come at the end. `make` must depend on its item alone.
 * @param maxPerTurn calls of `make` in one turn of the event loop; with more the result is a promise, and other lists wait for it
 */
export function mapMemoized<From, To>(
  make: (item: From) => To,
  maxPerTurn: number,
): (list: readonly From[]) => MaybePromise<To[]> {
  let last: readonly From[] = [];
  let made: readonly To[] = [];
  let running: Promise<To[]> | undefined;

  const start = (list: readonly From[]): MaybePromise<To[]> => {
    const next: To[] = [];
    let at = 0;
    /** Maps what one turn may make; @returns whether that was all */
    const advance = (): boolean => {
      for (let count = 0; next.length < list.length; ) {
        const item = list[next.length] as From;
        while (at < last.length && last[at] !== item) at++;
        // After the first that is not found all are made again.
        if (at < last.length) next.push(made[at++] as To);
        else if (count++ < maxPerTurn) next.push(make(item));
        else return false;
      }
      last = list;
      made = next;
      return true;
    };
    const continueLater = async (): Promise<To[]> => {
      do await nextTurn();
      while (!advance());
      return next;
    };
    if (advance()) return next;
    running = continueLater().finally(() => {
      running = undefined;
    });
    return running;
  };
  const map = (list: readonly From[]): MaybePromise<To[]> => {
    if (!running) return start(list);
    // In the order of the calls, since the lists were.
    const next = (): MaybePromise<To[]> => map(list);
    return running.then(next, next);
  };
  return map;
}
