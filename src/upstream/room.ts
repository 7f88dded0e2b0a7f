// Room for so many things and so many bytes at once; who finds none waits in turn, for a while. Used by rabbitmq.ts.

import type { Clock } from '../domain/ports.ts';

export interface Room {
  /** Takes room for one thing of so many bytes; the function gives it back, once. Rejects with `full()`. */
  take(bytes: number): Promise<() => void>;
}

export interface RoomOptions {
  readonly maxThings: number;
  readonly maxBytes: number;
  /** That may wait. */
  readonly maxWaiting: number;
  /** How long each of them does, in milliseconds. */
  readonly waitMs: number;
  readonly clock: Pick<Clock, 'after'>;
  readonly full: () => Error;
}

interface Waiter {
  readonly bytes: number;
  readonly enter: () => void;
}

export function createRoom({ maxThings, maxBytes, maxWaiting, waitMs, clock, full }: RoomOptions): Room {
  const waiting = new Set<Waiter>();
  let things = 0;
  let held = 0;

  const fits = (bytes: number): boolean => things < maxThings && held + bytes <= maxBytes;

  const leave = (bytes: number): void => {
    things -= 1;
    held -= bytes;
    for (const waiter of waiting) {
      if (!fits(waiter.bytes)) return;
      waiting.delete(waiter);
      waiter.enter();
    }
  };
  const entered = (bytes: number): (() => void) => {
    things += 1;
    held += bytes;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      leave(bytes);
    };
  };

  return {
    take: async (bytes) => {
      if (waiting.size === 0 && fits(bytes)) return entered(bytes);
      if (waiting.size >= maxWaiting || bytes > maxBytes) throw full();
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          bytes,
          enter: () => {
            cancel();
            resolve(entered(bytes));
          },
        };
        const cancel = clock.after(waitMs, () => {
          waiting.delete(waiter);
          reject(full());
        });
        waiting.add(waiter);
      });
    },
  };
}
