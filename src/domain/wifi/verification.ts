// Whether a session is really gone after a backend accepted its disconnect: queries until it is, or the time limit has passed. Used by
// disconnects.ts; accounting.ts has the other way to know.

import type { Clock } from '../shared/ports.ts';
import type { WifiSession } from './model.ts';

/** Whether the session was seen to be gone, or still there, after the disconnect. */
export const verdicts = ['gone', 'present', 'unknown'] as const;
export type Verdict = (typeof verdicts)[number];

export interface SessionVerifier {
  /** Called before the disconnect; never rejects. */
  prepare?(session: WifiSession): Promise<void>;
  /** Called once the disconnect was accepted; never rejects. */
  verify(session: WifiSession): Promise<Verdict>;
}

interface QueryOptions {
  /** Sends one request; takes no longer than `withinMs`, and never rejects. */
  readonly query: (session: WifiSession, withinMs: number) => Promise<Verdict>;
  /** Milliseconds for all queries. */
  readonly withinMs: number;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
}

const firstPauseMs = 100;
const maxPauseMs = 1_000;
/** What the last query needs. */
const lastQueryMs = 100;
/** What `prepare` may take. */
export const maxPrepareMs = 1_000;

/**
 * The last answer that says something of the session counts. That it is gone counts only once a query has found a session,
 * because a wrong path is answered 404, too; until then each disconnect has a query before it.
 */
export function createQueryVerifier({ query, withinMs, clock }: QueryOptions): SessionVerifier {
  let hasFound = false;
  const queryOnce: typeof query = async (session, ms) => {
    const answer = await query(session, ms);
    if (answer === 'present') hasFound = true;
    return answer;
  };
  return {
    prepare: async (session) => {
      if (!hasFound) await queryOnce(session, Math.min(withinMs, maxPrepareMs));
    },
    verify: async (session) => {
      const endsAt = clock.monotonic() + withinMs;
      let verdict: Verdict = 'unknown';
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
        const answer = await queryOnce(session, Math.max(1, endsAt - clock.monotonic()));
        if (answer === 'gone') return hasFound ? answer : 'unknown';
        if (answer === 'present') verdict = answer;
        const ms = Math.min(pauseMs, endsAt - clock.monotonic() - lastQueryMs);
        if (ms <= 0) return verdict;
        await new Promise<void>((resolve) => void clock.after(ms, resolve));
      }
    },
  };
}
