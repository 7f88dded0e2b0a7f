// Wrong passwords, counted for a session, for a user and for an address. Used by pairing.

import type { SwobError } from '../errors.ts';
import { giveBackAll, limited, takeAll } from './limiting.ts';
import type { RateLimit } from './model.ts';
import type { LimitStore } from './ports.ts';

export interface PasswordAttempts {
  /**
   * Whether a password may be tried now. For a session and a user a running attempt counts as wrong until it
   * is known, so that a burst guesses no more than a row; for an address it does not, because many phones can
   * stand behind one: there a burst is bounded by `maxRunning`.
   */
  begin(userId: string, sessionId: string, address: string): Promise<Attempt | Refusal>;
}

interface Attempt {
  readonly refused: false;
  /** To be called once: was the password wrong? A password that nobody could check was not. */
  end(wrong: boolean): Promise<void>;
}

interface Refusal {
  readonly refused: true;
  /** The session or its user was guessed at: the session is no longer to be trusted. */
  readonly burn: boolean;
  readonly error: SwobError;
}

/** Attempts of one address under way at once. */
const maxRunning = 32;

export function createPasswordAttempts(limits: LimitStore, limit: RateLimit): PasswordAttempts {
  const running = new Map<string, number>();
  const refusal = (burn: boolean, seconds: number): Refusal => ({
    refused: true,
    burn,
    error: limited('wrong passwords', seconds),
  });

  return {
    begin: async (userId, sessionId, address) => {
      const own = [`password:session:${userId}/${sessionId}`, `password:user:${userId}`];
      const guessed = await takeAll(limits, own, limit);
      if (guessed) return refusal(true, guessed.seconds);

      const shared = `password:address:${address}`;
      const atOnce = running.get(shared) ?? 0;
      // Counted before anything is waited for, or a burst would find nobody running.
      running.set(shared, atOnce + 1);
      const leave = (): void => {
        const left = (running.get(shared) ?? 1) - 1;
        if (left > 0) running.set(shared, left);
        else running.delete(shared);
      };
      const seconds = limit !== 'off' && atOnce >= maxRunning ? 1 : await limits.peek(shared, limit);
      if (seconds > 0) {
        leave();
        await giveBackAll(limits, own, limit);
        return refusal(false, seconds);
      }
      return {
        refused: false,
        end: async (wrong) => {
          leave();
          if (wrong) await limits.take(shared, limit);
          else await giveBackAll(limits, own, limit);
        },
      };
    },
  };
}
