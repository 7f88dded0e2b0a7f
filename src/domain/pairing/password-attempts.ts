// Rate limits on wrong passwords: for a session, a user at one address, a user overall (counted-keys.ts), and an
// address. Used by pairing.ts.

import type { SwobError } from '../../errors.ts';
import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { LimitStore } from '../shared/ports.ts';
import { consumeAll, peekAll, persistAll, rateLimited, refundAll } from '../shared/rate-limiting.ts';

export interface PasswordAttempts {
  /**
   * Starts an attempt, or refuses it. A running attempt counts as wrong for its session and user, so that concurrent
   * guesses get no more attempts than sequential ones; not for its address, which many phones may share: there
   * `maxRunning` bounds concurrent attempts.
   */
  begin(userId: string, sessionId: string, address: string): Promise<Attempt | Refusal>;
}

interface Attempt {
  readonly refused: false;
  /** Must be called once. A password that could not be checked does not count as wrong. */
  end(wrong: boolean): Promise<void>;
}

interface Refusal {
  readonly refused: true;
  /** The passwords of the session or its user were guessed: the session must be removed. */
  readonly burn: boolean;
  readonly error: SwobError;
}

/** Concurrent attempts of one address. */
const maxRunning = 32;

export function createPasswordAttempts(limits: LimitStore, limit: RateLimit): PasswordAttempts {
  const running = new Map<string, number>();
  const refusal = (burn: boolean, seconds: number): Refusal => ({
    refused: true,
    burn,
    error: rateLimited('wrong passwords', seconds),
  });

  return {
    begin: async (userId, sessionId, address) => {
      // Guesses of a stranger exhaust the limit of their address long before that of the user.
      const own: readonly LimitKey[] = [
        `password:session:${userId}/${sessionId}`,
        `password:user-address:${userId}@${address}`,
        `password:user:${userId}`,
      ];
      const guessed = await consumeAll(limits, own, limit);
      if (guessed) return refusal(true, guessed.seconds);

      const shared: LimitKey = `password:address:${address}`;
      const concurrent = running.get(shared) ?? 0;
      // Counted before any await, or concurrent attempts would not see each other.
      running.set(shared, concurrent + 1);
      const end = (): void => {
        const left = (running.get(shared) ?? 1) - 1;
        if (left > 0) running.set(shared, left);
        else running.delete(shared);
      };
      const seconds = limit !== 'off' && concurrent >= maxRunning ? 1 : await peekAll(limits, shared, limit);
      if (seconds > 0) {
        end();
        await refundAll(limits, own, limit);
        return refusal(false, seconds);
      }
      return {
        refused: false,
        end: async (wrong) => {
          end();
          if (!wrong) return refundAll(limits, own, limit);
          await consumeAll(limits, [shared], limit);
          // Not the limit of the session, which ends with the process.
          await persistAll(limits, [...own.slice(1), shared], limit);
        },
      };
    },
  };
}
