// Refuses work before the process drowns in it. One for all services of a process; used by server.ts and the sync
// service. (@fastify/under-pressure keeps a timer of 100 Hz for each server, and knows no other servers.)

import type { Clock, Log } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';

/** How the process was doing since the sample before. */
export interface Sample {
  /** How late the event loop was, in milliseconds. */
  readonly delayMs: number;
  /** Memory in use, as a share of what the process may have: 0 to 1. */
  readonly memory: number;
}

export interface PressureDeps {
  /** 0: no limit. */
  readonly maxDelayMs: number;
  /** A share as in `Sample`; 0: no limit. */
  readonly maxMemory: number;
  /** Called every `sampleEveryMs` milliseconds. */
  readonly sample: () => Sample;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Pressure {
  /** To be called for new work; throws OVERLOADED, for clients to read, when it must be refused. */
  admit(): void;
  /** Work that was refused since the start. */
  readonly refused: number;
  stop(): void;
}

export const sampleEveryMs = 250;
/** Without new work for this many samples none is taken any more: an idle process has no timer. */
const idleSamples = 40;
const retryAfterSeconds = 10;

const calm: Sample = { delayMs: 0, memory: 0 };

export function createPressure({ maxDelayMs, maxMemory, sample, clock, log }: PressureDeps): Pressure {
  const limited = maxDelayMs > 0 || maxMemory > 0;
  let stopSampling: (() => void) | undefined;
  let idle = 0;
  let last = calm;
  let over = false;
  let refused = 0;
  let refusedBefore = 0;

  const look = (): void => {
    const now = sample();
    // Twice in a row: a single pause, such as a suspended machine or a large collection of garbage, is no overload.
    const delayMs = Math.min(last.delayMs, now.delayMs);
    const memory = Math.min(last.memory, now.memory);
    last = now;
    const isOver = (maxDelayMs > 0 && delayMs > maxDelayMs) || (maxMemory > 0 && memory > maxMemory);
    if (isOver !== over)
      tell(isOver, { delayMs: Math.round(delayMs), memory: Math.round(memory * 100) / 100 });
    over = isOver;
    if (++idle >= idleSamples && !over) stop();
  };
  const tell = (isOver: boolean, reading: object): void => {
    if (isOver) {
      refusedBefore = refused;
      log.warn(reading, 'overloaded: new work is refused; see [overload]');
    } else log.info({ ...reading, refused: refused - refusedBefore }, 'no longer overloaded');
  };
  const stop = (): void => {
    stopSampling?.();
    stopSampling = undefined;
    last = calm;
  };

  return {
    admit: () => {
      if (!limited) return;
      idle = 0;
      if (!stopSampling) {
        // The time without samples says nothing.
        sample();
        stopSampling = clock.every(sampleEveryMs, look);
      }
      if (!over) return;
      refused++;
      throw new SwobError('OVERLOADED', 'overloaded, try again later', { retryAfter: retryAfterSeconds });
    },
    get refused() {
      return refused;
    },
    stop,
  };
}
