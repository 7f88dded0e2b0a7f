// Bounds the attempts to one Publisher that run at the same time, so that a slow one leaves the others to the other Publisher. Used by
// sms-outbox.ts.

import type { Postponed } from '../shared/outbox-types.ts';
import type { Clock } from '../shared/ports.ts';

export interface AttemptShare {
  /** Runs the attempt, or postpones it when as many are running as may. */
  run<R>(attempt: () => Promise<R>): Promise<R | Postponed>;
}

const minPauseMs = 250;
const maxPauseMs = 30_000;

export function createAttemptShare(max: number, clock: Pick<Clock, 'monotonic'>): AttemptShare {
  /** When each running attempt began, the oldest first. */
  const running = new Set<{ readonly since: number }>();
  return {
    run: async (attempt) => {
      const since = clock.monotonic();
      if (running.size >= max) {
        const [oldest] = running;
        // As long as one takes already: a slow Publisher would only be tried for nothing.
        const pauseMs = Math.min(maxPauseMs, Math.max(minPauseMs, since - (oldest?.since ?? since)));
        return { kind: 'postponed', pauseMs };
      }
      const started = { since };
      running.add(started);
      try {
        return await attempt();
      } finally {
        running.delete(started);
      }
    },
  };
}
