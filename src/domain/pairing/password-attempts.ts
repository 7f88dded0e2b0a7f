// Rate limits on wrong passwords: for a session, a user at one address, a user overall (counted-keys.ts), and an
// address. Used by pairing.ts and steps.ts.

import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { LimitStore } from '../shared/ports.ts';
import { consumeAll, peekAll, persistAll, refundAll } from '../shared/rate-limiting.ts';

export interface PasswordAttempt {
  readonly userId: string;
  readonly sessionId: string;
  /** In the form of `limitAddress`. */
  readonly address: string;
}

export interface AttemptRefusal {
  /** The passwords of the session or its user were guessed: the session must be removed. */
  readonly invalidatesSession: boolean;
  /** Until the next attempt. */
  readonly seconds: number;
  /** The limit that is exceeded; undefined when too many attempts of the address run. */
  readonly key?: LimitKey | undefined;
}

/** Concurrent attempts of one address. */
const maxRunning = 32;
/** In which some of them end. */
const retrySeconds = 1;

/**
 * Starts an attempt, or refuses it. A running attempt counts as wrong for its session and user, so that concurrent
 * guesses get no more attempts than sequential ones; not for its address, which many phones may share: there
 * `createRunningAttempts` bounds concurrent attempts. It ends by `refundAttempt` or `countWrongPassword`.
 */
export async function beginAttempt(
  limits: LimitStore,
  limit: RateLimit,
  attempt: PasswordAttempt,
  tooManyRunning: boolean,
): Promise<AttemptRefusal | undefined> {
  if (limit === 'off') return undefined;
  // Guesses of a stranger exhaust the limit of their address long before that of the user.
  const guessed = await consumeAll(limits, ownKeys(attempt), limit);
  if (guessed) return { invalidatesSession: true, ...guessed };
  const shared = sharedKey(attempt);
  const seconds = tooManyRunning ? retrySeconds : await peekAll(limits, shared, limit);
  if (seconds === 0) return undefined;
  await refundAttempt(limits, limit, attempt);
  return { invalidatesSession: false, seconds, ...(!tooManyRunning && { key: shared }) };
}

/** Ends an attempt whose password is right or could not be checked. */
export function refundAttempt(limits: LimitStore, limit: RateLimit, attempt: PasswordAttempt): Promise<void> {
  return refundAll(limits, ownKeys(attempt), limit);
}

/** Ends an attempt whose password is wrong. */
export async function countWrongPassword(
  limits: LimitStore,
  limit: RateLimit,
  attempt: PasswordAttempt,
): Promise<void> {
  const shared = sharedKey(attempt);
  await consumeAll(limits, [shared], limit);
  // Not the limit of the session, which ends with the process.
  await persistAll(limits, [...ownKeys(attempt).slice(1), shared], limit);
}

function ownKeys({ userId, sessionId, address }: PasswordAttempt): readonly LimitKey[] {
  return [
    `password:session:${userId}/${sessionId}`,
    `password:user-address:${userId}@${address}`,
    `password:user:${userId}`,
  ];
}

function sharedKey({ address }: PasswordAttempt): LimitKey {
  return `password:address:${address}`;
}

export interface RunningAttempts {
  /** Must be called before any await, or concurrent attempts would not see each other; `end` must be called once. */
  start(address: string): { readonly tooManyRunning: boolean; end(): void };
}

/** How many attempts of each address run in this process. */
export function createRunningAttempts(): RunningAttempts {
  const running = new Map<string, number>();
  return {
    start: (address) => {
      const concurrent = running.get(address) ?? 0;
      running.set(address, concurrent + 1);
      return {
        tooManyRunning: concurrent >= maxRunning,
        end: () => {
          const left = (running.get(address) ?? 1) - 1;
          if (left > 0) running.set(address, left);
          else running.delete(address);
        },
      };
    },
  };
}
