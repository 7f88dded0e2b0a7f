// Fetches the health of a service from its /readyz. Used by `swob status`, `wait` and `doctor`.

import { messageOf } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { createHttpClient } from './http-client.ts';
import type { ServiceEndpoint } from './services.ts';

/**
 * - `up`: something responds, but not as swob's /readyz
 * - `down`: nothing responds
 * - `off`: nothing listens, which is fine because the other services run without it
 */
type DaemonState = 'ready' | 'degraded' | 'unready' | 'up' | 'down' | 'off';

export interface DaemonHealth {
  readonly name: string;
  readonly url: string;
  readonly state: DaemonState;
  readonly version?: string;
  /** Seconds. */
  readonly uptime?: number;
  readonly checks: readonly HealthCheck[];
  /** The reason of `up` and `down`. */
  readonly reason?: string;
  /** How the running service differs from the configuration. */
  readonly note?: string;
}

interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly required: boolean;
  readonly ms: number;
  readonly reason?: string;
}

/** The name of a service at a URL that has not said which one it is. */
export const unnamed = '-';
/** The reason of a `down` service whose port refuses connections. */
export const nothingListens = 'nothing listens there';

/** Whether a swob service responded, in whatever state. */
export function isSwob({ state }: DaemonHealth): boolean {
  return state === 'ready' || state === 'degraded' || state === 'unready';
}

/** Whether the service works; a degraded one does. */
export function isReady({ state }: DaemonHealth): boolean {
  return state === 'ready' || state === 'degraded';
}

/** Whether it has fewer worker processes than it should, as while they start; those that run do work. */
export function lacksWorkers({ checks }: DaemonHealth): boolean {
  return checks.some(({ name, ok }) => name === 'workers' && !ok);
}

/** Rejects only with the reason of the signal. */
export async function fetchHealth(
  daemon: ServiceEndpoint,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<DaemonHealth> {
  const first = await probe(daemon, signal, timeoutMs);
  // A closed port and a timeout have nothing to do with TLS, so skip the fallbacks.
  const { state, reason = '' } = first;
  if (state !== 'down' || reason === nothingListens || reason.startsWith('no response')) return first;
  for (const way of daemon.fallbacks ?? []) {
    const health = await probe({ name: daemon.name, ...way }, signal, timeoutMs);
    if (isSwob(health)) return health;
  }
  return first;
}

async function probe(daemon: ServiceEndpoint, signal: AbortSignal, timeoutMs: number): Promise<DaemonHealth> {
  const { name = unnamed, baseUrl: url, note } = daemon;
  try {
    const http = createHttpClient({ ...daemon, name: 'service', signal, timeoutMs });
    const { text, status } = await http.request({ path: '/readyz' });
    return read(text) ?? { name, url, state: 'up', checks: [], reason: `/readyz responded with ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    const reason = messageOf(error)
      .replace(/; start it.*$/, '')
      .replace(/^no \w+ at .*$/, nothingListens);
    return { name, url, state: 'down', checks: [], reason };
  }

  function read(text: string): DaemonHealth | undefined {
    const body = objectIn(tryParseJson(text));
    const state = (['ready', 'degraded', 'unready'] as const).find((known) => known === body?.state);
    if (!body || state === undefined) return undefined;
    return {
      name: typeof body.service === 'string' ? body.service : name,
      url,
      state,
      ...(typeof body.version === 'string' && { version: body.version }),
      ...(typeof body.uptime === 'number' && { uptime: body.uptime }),
      ...(note !== undefined && { note }),
      checks: Object.entries(objectIn(body.checks) ?? {}).map(([check, value]) => parseCheck(check, value)),
    };
  }
}

/** `gateway at http://… is unready: store failed`. */
export function describeUnhealthy(health: DaemonHealth): string {
  const name = health.name === unnamed ? 'the service' : health.name;
  return `${name} at ${health.url} is ${health.state}: ${describeProblems(health)}`;
}

/** The failed checks, required ones first: `store failed, publisher unreachable`. */
function describeProblems({ state, checks, reason }: DaemonHealth): string {
  if (reason !== undefined) return reason;
  const bad = checks.filter(({ ok }) => !ok);
  const shown = [...bad.filter(({ required }) => required), ...bad.filter(({ required }) => !required)];
  return shown.map((check) => `${check.name} ${check.reason ?? 'failed'}`).join(', ') || state;
}

function parseCheck(name: string, value: unknown): HealthCheck {
  const { ok, required, ms, reason } = objectIn(value) ?? {};
  return {
    name,
    ok: ok === true,
    required: required === true,
    ms: typeof ms === 'number' ? ms : 0,
    ...(typeof reason === 'string' && { reason }),
  };
}

function objectIn(value: unknown): Record<string, unknown> | undefined {
  return isObject(value) ? value : undefined;
}
