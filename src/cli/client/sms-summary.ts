// Fetches and describes a gateway's waiting and dead-lettered messages and the health of its upstream calls. Used by
// `swob status` and `doctor`.

import type { Config } from '../../config/schema.ts';
import type { OutgoingHealth } from '../../domain/outgoing/routes-health.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import { isObject } from '../../lib/json.ts';
import type { Context } from '../context.ts';
import { formatElapsed } from '../terminal/elapsed.ts';
import { adminTokenReader } from './admin-token.ts';
import { createHttpClient } from './http-client.ts';
import type { ServiceEndpoint } from './services.ts';

export interface SmsSummary {
  readonly waiting: number;
  readonly deadLetters: number;
  /** When the oldest waiting message was received, Unix time in milliseconds. */
  readonly oldest?: number;
  readonly upstreams: readonly UpstreamCalls[];
  /** Absent where no broker is configured. */
  readonly outgoing?: OutgoingHealth;
}

interface UpstreamCalls {
  readonly name: string;
  /** Consecutive failed calls. */
  readonly failures: number;
  readonly since?: number;
  readonly reason?: string;
}

const timeoutMs = 3_000;
/** Older waiting messages are reported as a warning. */
const maxNormalAgeMs = 600_000;
/** Fewer consecutive failures are only a warning. */
const failuresUntilFail = 3;
const upstreamTitles: Readonly<Record<string, string>> = {
  publisher: 'calls to the Publisher',
  backend: 'calls to the back end',
  relay: 'calls to the RelaySMS Publisher',
};

/** Undefined without a gateway or an admin token, and when the gateway's response is not a summary. */
export async function fetchSmsSummary(
  context: Context,
  config: Config,
  daemons: readonly ServiceEndpoint[],
  signal: AbortSignal,
): Promise<SmsSummary | undefined> {
  const daemon = daemons.find(({ name }) => name === 'gateway');
  // Never send the token to a server whose identity could not be verified.
  if (!daemon || daemon.note !== undefined) return undefined;
  try {
    const token = await (await adminTokenReader(context, config, undefined))();
    if (token === undefined) return undefined;
    const http = createHttpClient({ ...daemon, name: 'gateway', signal, timeoutMs });
    const headers = { Authorization: `Bearer ${token}` };
    return parseSmsSummary(await http.json({ path: '/sms/summary', headers }));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** One line for the messages, and one per upstream system whose calls fail. */
export function describeSmsSummary(backlog: SmsSummary, now: number): string[] {
  const failing = backlog.upstreams.filter(({ failures }) => failures > 0);
  return [
    `messages: ${describeMessages(backlog, now)}`,
    ...(backlog.outgoing ? [`outgoing SMS: ${describeOutgoing(backlog.outgoing)}`] : []),
    ...failing.map((calls) => `${titleOf(calls)}: ${describeFailures(calls, now)}`),
  ];
}

export function smsSummaryFindings(backlog: SmsSummary, now: number): Finding[] {
  const { waiting, deadLetters, oldest = now, upstreams } = backlog;
  const isNormal = deadLetters === 0 && (waiting === 0 || now - oldest < maxNormalAgeMs);
  const detail = describeMessages(backlog, now);
  const advice =
    '`swob sms list` and `swob sms failed` show the reason; fix it, then run `swob sms retry --all --waiting`';
  return [
    isNormal ? ok('messages', detail) : warn('messages', detail, advice),
    ...upstreams.map((calls): Finding => {
      if (calls.failures === 0) return ok(titleOf(calls), 'the last call succeeded');
      const [section, finding] = [sectionOf(calls), calls.failures < failuresUntilFail ? warn : fail];
      return finding(titleOf(calls), describeFailures(calls, now), `fix that system, or correct ${section}`);
    }),
  ];
}

function describeMessages({ waiting, deadLetters, oldest }: SmsSummary, now: number): string {
  const age = oldest === undefined ? '' : `, the oldest for ${formatAge(oldest, now)}`;
  return `${waiting} ${waiting === 1 ? 'waits' : 'wait'}${age}; ${deadLetters} dead-lettered`;
}

function describeOutgoing({ waiting, callbacks, oldestWait, passedOver }: OutgoingHealth): string {
  const age = oldestWait > 0 ? `, the first of a queue for ${formatElapsed(oldestWait)}` : '';
  const routes = passedOver.map(({ route, why }) =>
    why === 'failed' ? `; the phones of ${route} fail` : `; the phones of ${route} do not report`,
  );
  const calls =
    callbacks > 0 ? `; ${callbacks} ${callbacks === 1 ? 'callback waits' : 'callbacks wait'}` : '';
  return `${waiting} ${waiting === 1 ? 'waits' : 'wait'}${age}${calls}${routes.join('')}`;
}

function describeFailures(
  { failures, since: first, reason = 'no reason given' }: UpstreamCalls,
  now: number,
): string {
  const times = failures === 1 ? 'the last call failed' : `the last ${failures} calls failed`;
  return `${times}${first === undefined ? '' : `, for ${formatAge(first, now)}`}: ${reason}`;
}

function formatAge(time: number, now: number): string {
  return formatElapsed(Math.max(0, now - time) / 1_000);
}

function titleOf({ name }: UpstreamCalls): string {
  return upstreamTitles[name] ?? name;
}

function sectionOf({ name }: UpstreamCalls): string {
  if (name === 'relay') return '[relay]';
  return name === 'publisher' ? '[publisher]' : '[backend_publisher] or [dev_api]';
}

function parseSmsSummary(value: unknown): SmsSummary | undefined {
  const { waiting, deadLetters, oldest, upstreams, outgoing }: Partial<Record<keyof SmsSummary, unknown>> =
    Object(value);
  if (typeof waiting !== 'number' || typeof deadLetters !== 'number' || !Array.isArray(upstreams))
    return undefined;
  return {
    waiting,
    deadLetters,
    ...(typeof oldest === 'number' && { oldest }),
    upstreams: upstreams.map(parseUpstreamCalls),
    ...(isObject(outgoing) && { outgoing: parseOutgoing(outgoing) }),
  };
}

function parseOutgoing({
  waiting,
  // An earlier version does not count them.
  callbacks = 0,
  oldestWait,
  passedOver,
}: Readonly<Record<string, unknown>>): OutgoingHealth {
  const routes: unknown[] = Array.isArray(passedOver) ? passedOver : [];
  return {
    waiting: Number(waiting),
    callbacks: Number(callbacks),
    oldestWait: Number(oldestWait),
    passedOver: routes.filter(isObject).map(({ route, why }) => ({
      route: String(route),
      why: why === 'silent' ? why : 'failed',
    })),
  };
}

function parseUpstreamCalls(value: unknown): UpstreamCalls {
  const {
    name,
    failures,
    since: first,
    reason,
  }: Partial<Record<keyof UpstreamCalls, unknown>> = Object(value);
  return {
    name: String(name),
    failures: typeof failures === 'number' ? failures : 0,
    ...(typeof first === 'number' && { since: first }),
    ...(typeof reason === 'string' && { reason }),
  };
}
