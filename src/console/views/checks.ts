// The checks of `swob doctor`, run when an operator asks for them: the second part of the Settings page. Used by views.ts.

import { Type } from 'typebox';
import type { Clock } from '../../domain/shared/ports.ts';
import type { Finding } from '../../lib/finding.ts';
import { type ConsoleView, defineAction, defineView } from '../view.ts';

export interface ChecksDeps {
  readonly clock: Clock;
  /** Rejects with the signal's reason. */
  readonly runChecks: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

export interface ChecksData {
  readonly isRunning: boolean;
  /** The last run; undefined before the first. */
  readonly last: { readonly at: number; readonly findings: readonly Finding[] } | undefined;
}

/** `recent`: the last run was seconds ago, and its findings are shown. */
export type RunChecksResult =
  | { readonly kind: 'done'; readonly failed: number; readonly warned: number; readonly total: number }
  | { readonly kind: 'recent' };

/** The checks connect to every system. */
const minIntervalMs = 5_000;
const timeoutMs = 20_000;

export function createChecksView({ clock, runChecks }: ChecksDeps): ConsoleView {
  let running: Promise<RunChecksResult> | undefined;
  let last: ChecksData['last'];
  let endedAt = Number.NEGATIVE_INFINITY;

  const run = async (): Promise<RunChecksResult> => {
    const controller = new AbortController();
    const cancel = clock.after(timeoutMs, () => controller.abort(new Error('the checks took too long')));
    try {
      const findings = await runChecks(controller.signal);
      last = { at: clock.now(), findings };
      const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length;
      return { kind: 'done', failed: count('fail'), warned: count('warn'), total: findings.length };
    } finally {
      cancel();
      running = undefined;
      endedAt = clock.monotonic();
    }
  };
  return defineView({
    name: 'checks',
    query: Type.Object({}, { additionalProperties: false }),
    everyMs: 1_000,
    read: async (): Promise<ChecksData> => ({ isRunning: running !== undefined, last }),
    actions: {
      run: defineAction({
        body: Type.Object({}, { additionalProperties: false }),
        run: async () => {
          if (!running && clock.monotonic() - endedAt < minIntervalMs) return { kind: 'recent' };
          running ??= run();
          return running;
        },
      }),
    },
  });
}
