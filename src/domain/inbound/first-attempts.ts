// First attempts to deliver SMS, while the clients that submitted them wait for a reply. Used by publishing.ts.

import type { ImmediateDelivery } from '../shared/outbox-types.ts';
import type { Clock, Log } from '../shared/ports.ts';
import { createResponseDeadlines } from './response-deadlines.ts';

/** A running first attempt: the reply that the client gets, and the log of its request. */
interface PendingReply {
  reply: 'published' | 'accepted';
  readonly log: Log;
}

export interface FirstAttempts {
  find(id: string): PendingReply | undefined;
  /** Runs the delivery that `begin` starts. */
  run(id: string, log: Log, begin: () => ImmediateDelivery): FirstAttempt;
  /** Replies `accepted` to all, because the service is stopping. */
  respondNow(): void;
}

interface FirstAttempt {
  /** `accepted` once the SMS is stored and its Publisher takes too long. */
  readonly reply: Promise<'published' | 'accepted'>;
  /** Resolves when the SMS is stored, or its delivery has ended. */
  readonly whenStored: Promise<unknown>;
}

interface FirstAttemptsOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly responseTimeoutMs: number;
  /** Resolves when the entry is durable. */
  readonly whenDurable: (id: string) => Promise<unknown>;
}

export function createFirstAttempts(options: FirstAttemptsOptions): FirstAttempts {
  const { clock, responseTimeoutMs, whenDurable } = options;
  const running = new Map<string, PendingReply>();
  const deadlines = createResponseDeadlines(clock, responseTimeoutMs);

  return {
    find: (id) => running.get(id),
    run: (id, log, begin) => {
      const pending: PendingReply = { reply: 'published', log };
      // Before it begins, as the attempt looks it up.
      running.set(id, pending);
      const { persisted, delivered } = begin();
      const { expired, cancel } = deadlines.start();
      const ended = delivered
        .then((isDelivered) => (isDelivered ? ('published' as const) : ('accepted' as const)))
        .finally(() => {
          cancel();
          running.delete(id);
        });
      const accepted = expired
        .then(() => persisted)
        .then(async () => {
          await whenDurable(id);
          pending.reply = 'accepted';
          return 'accepted' as const;
        });
      return {
        reply: Promise.race([ended, accepted]),
        whenStored: Promise.race([persisted, ended.catch(() => undefined)]),
      };
    },
    respondNow: deadlines.expireAll,
  };
}
