// Since when each dependency has been in its state. Used by the monitor, which adds what checks have found.

import type { Clock } from '../shared/ports.ts';
import type { HealthEntry } from './model.ts';

export interface HealthObservation {
  readonly name: string;
  readonly state: string;
  readonly required: boolean;
  readonly reason?: string | undefined;
  /** Unix time in milliseconds, where it is known better than by the checks. */
  readonly since?: number | undefined;
}

export interface HealthLog {
  /** The result of a round of checks; those that are no longer made are dropped. */
  observe(found: readonly HealthObservation[]): void;
  /** Failing ones first. */
  entries(): readonly HealthEntry[];
}

/** Bounds what one process can report. */
const maxEntries = 64;

export function createHealthLog(clock: Pick<Clock, 'now'>): HealthLog {
  let known = new Map<string, HealthEntry>();
  return {
    observe: (found) => {
      const now = clock.now();
      const next = new Map<string, HealthEntry>();
      for (const { name, state, required, reason, since } of found) {
        if (next.size >= maxEntries) break;
        // Two services may check the same dependency: the failure is what an operator has to know.
        const other = next.get(name);
        const isRequired = required || other?.required === true;
        if (other && state === 'ok') {
          next.set(name, { ...other, required: isRequired });
          continue;
        }
        const earlier = known.get(name);
        const seenSince = earlier?.state === state ? earlier.since : now;
        next.set(name, {
          name,
          state,
          required: isRequired,
          since: since ?? seenSince,
          checkedAt: now,
          ...(reason !== undefined && { reason }),
        });
      }
      known = next;
    },
    entries: () =>
      [...known.values()].sort(
        (a, b) =>
          Number(a.state === 'ok') - Number(b.state === 'ok') || Number(b.required) - Number(a.required),
      ),
  };
}
