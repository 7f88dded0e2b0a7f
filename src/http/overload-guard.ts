// Rejects new work before the process runs out of time or memory. One guard for all services of a process: server.ts and the
// sync service use it. @fastify/under-pressure (9.2) guards the requests of one fastify server and not the upgrades of the
// sync service, has a timer of 100 Hz in an idle process, and takes a single pause for overload.

import type { Clock, Log } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';

/** The load of the process since the last sample. */
export interface LoadSample {
  /** Delay of the event loop, in milliseconds. */
  readonly delayMs: number;
  /** Memory in use, as a share of what the process may use: 0 to 1. */
  readonly memory: number;
}

export interface OverloadGuardDeps {
  /** 0: no limit. */
  readonly maxDelayMs: number;
  /** A share as in `LoadSample`; 0: no limit. */
  readonly maxMemory: number;
  /** Called every `sampleIntervalMs`. */
  readonly sample: () => LoadSample;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OverloadGuard {
  /** To be called for new work. Throws OVERLOADED, with a message for clients, when it must be rejected. */
  admit(): void;
  /** Work rejected since the start. */
  readonly rejected: number;
  stop(): void;
}

export const sampleIntervalMs = 250;
/** Sampling stops after this many samples without new work, so that an idle process has no timer. */
const maxIdleSamples = 40;
const retryAfterSeconds = 10;

const noLoad: LoadSample = { delayMs: 0, memory: 0 };

export function createOverloadGuard(deps: OverloadGuardDeps): OverloadGuard {
  const { maxDelayMs, maxMemory, sample, clock, log } = deps;
  const isEnabled = maxDelayMs > 0 || maxMemory > 0;
  let stopSampling: (() => void) | undefined;
  let idleSamples = 0;
  let lastSample = noLoad;
  let isOverloaded = false;
  let rejected = 0;
  let rejectedBefore = 0;

  const check = (): void => {
    const current = sample();
    // Two samples in a row: one pause, such as a suspended machine or a major garbage collection, is not an overload.
    const delayMs = Math.min(lastSample.delayMs, current.delayMs);
    const memory = Math.min(lastSample.memory, current.memory);
    lastSample = current;
    const isOver = (maxDelayMs > 0 && delayMs > maxDelayMs) || (maxMemory > 0 && memory > maxMemory);
    if (isOver !== isOverloaded)
      logChange(isOver, { delayMs: Math.round(delayMs), memory: Math.round(memory * 100) / 100 });
    isOverloaded = isOver;
    if (++idleSamples >= maxIdleSamples && !isOverloaded) stop();
  };
  const logChange = (isOver: boolean, load: object): void => {
    if (isOver) {
      rejectedBefore = rejected;
      log.warn(load, 'overloaded: rejecting new work; see [overload]');
    } else log.info({ ...load, rejected: rejected - rejectedBefore }, 'no longer overloaded');
  };
  const stop = (): void => {
    stopSampling?.();
    stopSampling = undefined;
    lastSample = noLoad;
  };

  return {
    admit: () => {
      if (!isEnabled) return;
      idleSamples = 0;
      if (!stopSampling) {
        // Discards the delay that accumulated while sampling was stopped.
        sample();
        stopSampling = clock.every(sampleIntervalMs, check);
      }
      if (!isOverloaded) return;
      rejected++;
      throw new SwobError('OVERLOADED', 'overloaded, try again later', { retryAfter: retryAfterSeconds });
    },
    get rejected() {
      return rejected;
    },
    stop,
  };
}
