// A semaphore bounded by count and bytes, with a bounded FIFO queue. Used by rabbitmq.ts and the disk queue.

import type { Clock } from '../domain/shared/ports.ts';

export interface Semaphore {
  /** Acquires a place of that many bytes; the returned function releases it, once. Rejects with `fullError()`. */
  acquire(bytes?: number): Promise<() => void>;
}

export interface SemaphoreOptions {
  readonly maxHolders: number;
  readonly maxBytes?: number;
  /** The most waiters; further ones are rejected immediately. */
  readonly maxWaiting?: number;
  /** Milliseconds that each of them waits; without it, as long as necessary. */
  readonly waitTimeoutMs?: number;
  readonly clock?: Pick<Clock, 'after'>;
  readonly fullError?: () => Error;
}

interface Waiter {
  readonly bytes: number;
  readonly admit: () => void;
}

export function createSemaphore({
  maxHolders,
  maxBytes = Number.POSITIVE_INFINITY,
  maxWaiting = Number.POSITIVE_INFINITY,
  waitTimeoutMs,
  clock,
  fullError = () => new Error('the semaphore is full'),
}: SemaphoreOptions): Semaphore {
  const waiting = new Set<Waiter>();
  let holders = 0;
  let bytesHeld = 0;

  const fits = (bytes: number): boolean => holders < maxHolders && bytesHeld + bytes <= maxBytes;

  const admitWaiting = (): void => {
    for (const waiter of waiting) {
      if (!fits(waiter.bytes)) return;
      waiting.delete(waiter);
      waiter.admit();
    }
  };
  const release = (bytes: number): void => {
    holders -= 1;
    bytesHeld -= bytes;
    admitWaiting();
  };
  const hold = (bytes: number): (() => void) => {
    holders += 1;
    bytesHeld += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      release(bytes);
    };
  };

  return {
    acquire: async (bytes = 0) => {
      if (waiting.size === 0 && fits(bytes)) return hold(bytes);
      if (waiting.size >= maxWaiting || bytes > maxBytes) throw fullError();
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          bytes,
          admit: () => {
            cancel?.();
            resolve(hold(bytes));
          },
        };
        const onTimeout = (): void => {
          waiting.delete(waiter);
          reject(fullError());
          // Those behind it may need fewer bytes.
          admitWaiting();
        };
        const cancel = waitTimeoutMs === undefined ? undefined : clock?.after(waitTimeoutMs, onTimeout);
        waiting.add(waiter);
      });
    },
  };
}
