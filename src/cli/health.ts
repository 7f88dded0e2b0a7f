// Asks a daemon how it is. Used by `swob status`, `wait` and `doctor`.

import { messageOf } from '../errors.ts';
import { createHttpClient } from './http-client.ts';
import type { NamedDaemon } from './services.ts';

/**
 * - `up`: it answers, but is no swob that knows /readyz
 * - `down`: nobody answers
 */
type DaemonState = 'ready' | 'degraded' | 'unready' | 'up' | 'down';

export interface DaemonHealth {
  readonly name: string;
  readonly url: string;
  readonly state: DaemonState;
  readonly version?: string;
  /** Seconds. */
  readonly uptime?: number;
  readonly checks: readonly HealthCheck[];
  /** Why it is `up` or `down`. */
  readonly reason?: string;
}

interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly required: boolean;
  readonly ms: number;
  readonly reason?: string;
}

/** Whether it does its work: a degraded one does. */
export function isReady({ state }: DaemonHealth): boolean {
  return state === 'ready' || state === 'degraded';
}

/** Never rejects but with the signal's reason. */
export async function askHealth(
  daemon: NamedDaemon,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<DaemonHealth> {
  const { name = '-', baseUrl: url } = daemon;
  try {
    const http = createHttpClient({ ...daemon, name: name === '-' ? 'daemon' : name, signal, timeoutMs });
    const { text, status } = await http.exchange({ path: '/readyz' });
    return read(text) ?? { name, url, state: 'up', checks: [], reason: `/readyz answered ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    const reason = messageOf(error)
      .replace(/; start one.*$/, '')
      .replace(/^no \w+ at .*$/, 'nobody listens there');
    return { name, url, state: 'down', checks: [], reason };
  }

  function read(text: string): DaemonHealth | undefined {
    const answer = objectIn(parse(text));
    const state = (['ready', 'degraded', 'unready'] as const).find((known) => known === answer?.state);
    if (!answer || state === undefined) return undefined;
    return {
      name: typeof answer.service === 'string' ? answer.service : name,
      url,
      state,
      ...(typeof answer.version === 'string' && { version: answer.version }),
      ...(typeof answer.uptime === 'number' && { uptime: answer.uptime }),
      checks: Object.entries(objectIn(answer.checks) ?? {}).map(([check, value]) => checkIn(check, value)),
    };
  }
}

/** `gateway at http://… is unready: store failed`. */
export function complaint(health: DaemonHealth): string {
  return `${health.name} at ${health.url} is ${health.state}: ${troubles(health)}`;
}

/** `store`, `publisher unreachable`...: what is not well, the indispensable first. */
function troubles({ state, checks, reason }: DaemonHealth): string {
  if (reason !== undefined) return reason;
  const bad = checks.filter(({ ok }) => !ok);
  const shown = [...bad.filter(({ required }) => required), ...bad.filter(({ required }) => !required)];
  return shown.map((check) => `${check.name} ${check.reason ?? 'failed'}`).join(', ') || state;
}

function checkIn(name: string, value: unknown): HealthCheck {
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
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
