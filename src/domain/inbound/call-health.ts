// Health of the systems that every SMS needs, judged by the outcomes of the calls themselves: a reachable system may
// still refuse every call. Used by app/compose, which reports it to operators.

import { mapMaybe } from '../../lib/maybe-promise.ts';
import type { Clock } from '../shared/ports.ts';
import type { Publisher, UserDirectory } from './ports.ts';

export interface CallHealth {
  readonly name: 'publisher' | 'backend' | 'relay';
  /** Consecutive failed calls up to now. */
  readonly failures: number;
  /** Time of the first of these failures, Unix time in milliseconds, and the reason of the last one. */
  readonly since?: number;
  readonly reason?: string;
}

export interface TrackedCalls {
  readonly publisher: Publisher;
  readonly directory: UserDirectory;
  readonly relay: Publisher | undefined;
  health(): readonly CallHealth[];
}

/** Wraps the systems so that their calls are tracked. */
export function trackCallHealth(
  systems: {
    readonly publisher: Publisher;
    readonly directory: UserDirectory;
    readonly relay?: Publisher | undefined;
  },
  clock: Pick<Clock, 'now'>,
): TrackedCalls {
  const { directory } = systems;
  const publishing = createStreak('publisher', clock);
  const lookups = createStreak('backend', clock);
  const relaying = createStreak('relay', clock);
  return {
    publisher: trackPublisher(systems.publisher, publishing),
    relay: systems.relay && trackPublisher(systems.relay, relaying),
    directory: {
      userOf: (msisdn) =>
        mapMaybe(directory.userOf(msisdn), (lookup) => {
          if (lookup.kind === 'failed') lookups.failed(lookup.reason);
          else if (lookup.kind !== 'overloaded') lookups.succeeded();
          return lookup;
        }),
    },
    health: () => [publishing.health(), lookups.health(), ...(systems.relay ? [relaying.health()] : [])],
  };
}

function trackPublisher(publisher: Publisher, streak: ReturnType<typeof createStreak>): Publisher {
  return {
    ...publisher,
    publish: async (...args) => {
      const delivery = await publisher.publish(...args);
      // A rejection concerns the message, and so shows a working Publisher.
      if (delivery.kind === 'published' || delivery.kind === 'rejected') streak.succeeded();
      else streak.failed(delivery.reason);
      return delivery;
    },
  };
}

function createStreak(name: CallHealth['name'], clock: Pick<Clock, 'now'>) {
  let health: CallHealth = { name, failures: 0 };
  return {
    succeeded: (): void => {
      if (health.failures > 0) health = { name, failures: 0 };
    },
    failed: (reason: string): void => {
      health = { name, failures: health.failures + 1, since: health.since ?? clock.now(), reason };
    },
    health: () => health,
  };
}
