// Whether a service can do its work: checks of its dependencies that run on request only. Used by monitoring.ts and
// app/compose.

import type { Clock } from '../domain/shared/ports.ts';

/** Why a check fails, in one word: any client may read it. */
export type ReadinessReason =
  | 'unreachable'
  | 'failing'
  | 'slow'
  | 'full'
  | 'low'
  | 'filling'
  | 'blocked'
  | 'stale'
  | 'failed';

export interface ReadinessCheck {
  /** Its name in `/readyz`, such as `store`. */
  readonly name: string;
  /** Whether the service is unready when it fails; otherwise the service is degraded. */
  readonly required: boolean;
  /** How long a good result is cached, in milliseconds; a bad one is cached for a second. */
  readonly cacheMs?: number;
  /** A rejection counts as `failed`. The signal aborts once the result is no longer needed. */
  run(signal: AbortSignal): Promise<'ok' | ReadinessReason>;
}

interface CheckResult {
  readonly ok: boolean;
  readonly required: boolean;
  /** How long the check took, in milliseconds with one decimal. */
  readonly ms: number;
  readonly reason?: ReadinessReason;
}

export interface Readiness {
  readonly ready: boolean;
  readonly state: 'ready' | 'degraded' | 'unready';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** For each check; they run concurrently. */
const timeoutMs = 1_000;
const defaultCacheMs = 1_000;

/**
 * Runs every check and never rejects. However many requests come, each check runs once a second at most, and one that hangs
 * is not started again.
 */
export function createReadiness(checks: readonly ReadinessCheck[], clock: Clock): () => Promise<Readiness> {
  const cachedChecks = checks.map((check) => ({ name: check.name, run: createCachedCheck(check, clock) }));
  return async () => {
    const results = await Promise.all(
      cachedChecks.map(async ({ name, run }) => [name, await run()] as const),
    );
    return readinessOf(results);
  };
}

function readinessOf(results: readonly (readonly [name: string, result: CheckResult])[]): Readiness {
  const failed = results.flatMap(([, result]) => (result.ok ? [] : [result]));
  const ready = !failed.some(({ required }) => required);
  return {
    ready,
    state: ready ? (failed.length === 0 ? 'ready' : 'degraded') : 'unready',
    checks: Object.fromEntries(results),
  };
}

/**
 * The readiness of a service that several worker processes run: of each check the worst result, and a check of the workers
 * themselves, which fails while there are fewer than `expected`.
 */
export function mergeReadiness(all: readonly Readiness[], expected: number): Readiness {
  const worst = new Map<string, CheckResult>();
  for (const [name, result] of all.flatMap(({ checks }) => Object.entries(checks))) {
    const known = worst.get(name);
    if (!known || (known.ok && !result.ok)) worst.set(name, result);
  }
  const isComplete = all.length >= expected;
  const workers: CheckResult = {
    ok: isComplete,
    required: all.length === 0,
    ms: 0,
    ...(!isComplete && { reason: 'failing' }),
  };
  return readinessOf([...worst, ['workers', workers]]);
}

function createCachedCheck(check: ReadinessCheck, clock: Clock): () => Promise<CheckResult> {
  const { required, cacheMs = defaultCacheMs } = check;
  let cached: { readonly result: CheckResult; readonly expiresAt: number } | undefined;
  let pending: Promise<CheckResult> | undefined;
  /** When the check started that is still running. */
  let runningSince: number | undefined;

  const resultOf = (outcome: 'ok' | ReadinessReason, startedAt: number): CheckResult => ({
    ok: outcome === 'ok',
    required,
    ms: Math.round((clock.monotonic() - startedAt) * 10) / 10,
    ...(outcome !== 'ok' && { reason: outcome }),
  });

  const run = async (): Promise<CheckResult> => {
    const startedAt = clock.monotonic();
    runningSince = startedAt;
    const controller = new AbortController();
    const completed = check
      .run(controller.signal)
      .catch(() => 'failed' as const)
      .finally(() => {
        runningSince = undefined;
      });
    let cancel = (): void => undefined;
    const timedOut = new Promise<'slow'>((resolve) => {
      cancel = clock.after(timeoutMs, () => resolve('slow'));
    });
    const outcome = await Promise.race([completed, timedOut]);
    cancel();
    controller.abort();
    return resultOf(outcome, startedAt);
  };

  return () => {
    if (cached && clock.monotonic() < cached.expiresAt) return Promise.resolve(cached.result);
    pending ??= (runningSince === undefined ? run() : Promise.resolve(resultOf('slow', runningSince))).then(
      (result) => {
        pending = undefined;
        cached = { result, expiresAt: clock.monotonic() + (result.ok ? cacheMs : defaultCacheMs) };
        return result;
      },
    );
    return pending;
  };
}
