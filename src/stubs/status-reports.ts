// Reports of a phone to the gateway: one HTTP request each, repeated while the gateway fails. Used by phone.ts.

import type { Clock } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';
import { delay } from '../lib/delay.ts';

/** Some 75 s in all: a gateway that restarts gets every report. */
const maxAttempts = 20;
const firstPauseMs = 100;
const maxPauseMs = 5_000;
const timeoutMs = 10_000;

export interface StatusReport {
  readonly type: 'SMS_TYPE_STATUS';
  readonly status: 'sent' | 'delivered' | 'failed';
  readonly sid: string;
  readonly id: string;
  readonly part?: number;
  readonly parts?: number;
  readonly reason?: string;
}

export interface ReportTarget {
  readonly url: string;
  /** Undefined when the URL has it. */
  readonly token: string | undefined;
  readonly clock: Pick<Clock, 'after'>;
  /** Ends attempts and pauses. */
  readonly signal: AbortSignal;
}

/**
 * Posts until the gateway takes the report or refuses it, which 5xx, 429 and a failed connection do not.
 * @returns the status of the last response, and the number of attempts; rejects with the reason of the signal
 */
export async function postReport(
  { url, token, clock, signal }: ReportTarget,
  report: StatusReport,
): Promise<{ readonly answer: number | string; readonly attempts: number }> {
  for (let attempts = 1; ; attempts += 1) {
    const { answer, retryAfterMs } = await attempt();
    const isFinal = typeof answer === 'number' && answer < 500 && answer !== 429;
    if (isFinal || attempts === maxAttempts) return { answer, attempts };
    const pauseMs = Math.max(firstPauseMs * 2 ** (attempts - 1), retryAfterMs);
    await delay(clock, Math.min(pauseMs, maxPauseMs), signal);
  }

  async function attempt(): Promise<{ readonly answer: number | string; readonly retryAfterMs: number }> {
    signal.throwIfAborted();
    const ended = new AbortController();
    const onAbort = (): void => ended.abort(signal.reason);
    const cancel = clock.after(timeoutMs, () => ended.abort(new Error('no response in time')));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(report),
        // A redirect could send the token to another host.
        redirect: 'manual',
        signal: ended.signal,
      });
      await response.body?.cancel();
      const seconds = Number(response.headers.get('retry-after'));
      return { answer: response.status, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : 0 };
    } catch (error) {
      signal.throwIfAborted();
      return { answer: reasonOf(error), retryAfterMs: 0 };
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** fetch hides the reason in the cause: `ECONNREFUSED`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : messageOf(error);
}
