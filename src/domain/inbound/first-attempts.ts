// First attempts to deliver SMS, while the clients that submitted them wait for a reply. Used by publishing.ts.

import type { MaybePromise } from '../../lib/maybe-promise.ts';
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
  whenStored(): Promise<unknown>;
}

interface FirstAttemptsOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly responseTimeoutMs: number;
  /** Resolves when the entry is durable. */
  readonly whenDurable: (id: string) => MaybePromise<unknown>;
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
      const reply = new Promise<PendingReply['reply']>((resolve, reject) => {
        const accept = async (): Promise<void> => {
          await persisted;
          await whenDurable(id);
          pending.reply = 'accepted';
          resolve('accepted');
        };
        const cancel = deadlines.start(() => void accept().catch(reject));
        const end = (): void => {
          cancel();
          running.delete(id);
        };
        delivered.then(
          (isDelivered) => {
            end();
            resolve(isDelivered ? 'published' : 'accepted');
          },
          (error: unknown) => {
            end();
            reject(error);
          },
        );
      });
      return {
        reply,
        whenStored: () => Promise.race([persisted, delivered.catch(() => undefined)]),
      };
    },
    respondNow: deadlines.expireAll,
  };
}
