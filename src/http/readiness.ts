// Whether a service can do its work: checks of what it depends on, run when somebody asks and at no other time. Used by
// operations.ts and app/compose.

import type { Clock } from '../domain/ports.ts';

/** Why a check says no, in a word: strangers read it. */
export type Reason = 'unreachable' | 'slow' | 'full' | 'low' | 'filling' | 'blocked' | 'stale' | 'failed';

export interface Check {
  /** As `/readyz` names it: `store`. */
  readonly name: string;
  /** Without it the service is not ready; without another it is degraded. */
  readonly required: boolean;
  /** Milliseconds for which a good answer holds; a bad one holds for a second. */
  readonly freshMs?: number;
  /** What it throws is `failed`. The signal aborts when nobody waits for the answer any more. */
  look(signal: AbortSignal): Promise<'ok' | Reason>;
}

interface CheckResult {
  readonly ok: boolean;
  readonly required: boolean;
  /** How long it took, in milliseconds with one decimal. */
  readonly ms: number;
  readonly reason?: Reason;
}

export interface Readiness {
  readonly ready: boolean;
  readonly state: 'ready' | 'degraded' | 'unready';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** Milliseconds for each check, all at once. */
const boundMs = 1_000;
const defaultFreshMs = 1_000;

/**
 * Asks every check and never rejects. However many ask, each check runs once a second at most, and one that hangs is not
 * started a second time.
 */
export function createReadiness(checks: readonly Check[], clock: Clock): () => Promise<Readiness> {
  const askers = checks.map((check) => ({ name: check.name, ask: createAsker(check, clock) }));
  return async () => {
    const results = await Promise.all(askers.map(async ({ name, ask }) => [name, await ask()] as const));
    const bad = results.flatMap(([, result]) => (result.ok ? [] : [result]));
    const ready = !bad.some(({ required }) => required);
    return {
      ready,
      state: ready ? (bad.length === 0 ? 'ready' : 'degraded') : 'unready',
      checks: Object.fromEntries(results),
    };
  };
}

function createAsker(check: Check, clock: Clock): () => Promise<CheckResult> {
  const { required, freshMs = defaultFreshMs } = check;
  let known: { readonly result: CheckResult; readonly until: number } | undefined;
  let asking: Promise<CheckResult> | undefined;
  /** When the look began that has not come back yet. */
  let hangingSince: number | undefined;

  const resultOf = (verdict: 'ok' | Reason, since: number): CheckResult => ({
    ok: verdict === 'ok',
    required,
    ms: Math.round((clock.monotonic() - since) * 10) / 10,
    ...(verdict !== 'ok' && { reason: verdict }),
  });

  const look = async (): Promise<CheckResult> => {
    const since = clock.monotonic();
    hangingSince = since;
    const controller = new AbortController();
    const work = check
      .look(controller.signal)
      .catch(() => 'failed' as const)
      .finally(() => {
        hangingSince = undefined;
      });
    let cancel = (): void => undefined;
    const late = new Promise<'slow'>((resolve) => {
      cancel = clock.after(boundMs, () => resolve('slow'));
    });
    const verdict = await Promise.race([work, late]);
    cancel();
    controller.abort();
    return resultOf(verdict, since);
  };

  return () => {
    if (known && clock.monotonic() < known.until) return Promise.resolve(known.result);
    asking ??= (hangingSince === undefined ? look() : Promise.resolve(resultOf('slow', hangingSince))).then(
      (result) => {
        asking = undefined;
        known = { result, until: clock.monotonic() + (result.ok ? freshMs : defaultFreshMs) };
        return result;
      },
    );
    return asking;
  };
}
