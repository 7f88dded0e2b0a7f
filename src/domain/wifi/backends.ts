// Ends a session at the configured backends, in their order, and combines their outcomes into one. Used by disconnects.ts.

import { isObject } from '../../lib/json.ts';
import type { Clock } from '../shared/ports.ts';
import type { WifiSession } from './model.ts';
import {
  type BackendDetails,
  type BackendFailure,
  type BackendName,
  type BackendResult,
  backendNames,
  type DisconnectBackend,
} from './ports.ts';

/** Whether a session that a backend does not know counts as disconnected. */
export type AlreadyGone = 'success' | 'failure';

/** What one backend did for a disconnect; for logs, the audit trail and clients. */
export interface BackendReport extends BackendDetails {
  readonly backend: BackendName;
  readonly kind: 'disconnected' | SessionFailure;
  /** Of a failure, for operators and clients; holds no token. */
  readonly reason?: string;
  /** Requests sent, retransmissions included; 0 when nothing was sent. */
  readonly attempts: number;
  readonly durationMs: number;
  /** The backend did not know the session. */
  readonly alreadyGone?: true;
}

/** Without `already gone`, which counts as success or as `rejected`. */
export type SessionFailure = Exclude<BackendFailure, 'already gone'>;

/** Outcome of a disconnect at all backends, with the report of each in the order in which they were called. */
export type SessionOutcome =
  | { readonly kind: 'disconnected'; readonly reports: readonly BackendReport[] }
  | {
      readonly kind: SessionFailure;
      /** For operators and clients; holds no token. */
      readonly reason: string;
      readonly reports: readonly BackendReport[];
    };

export interface BackendRules {
  readonly alreadyGone: AlreadyGone;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * Calls every backend, one after the other: a NAS that loses the session first would let the device in again, as long as the
 * PCRF still has its MAC address. All are called even if one fails, and the outcome is a success only if all succeed.
 */
export async function disconnectAt(
  backends: readonly DisconnectBackend[],
  session: WifiSession,
  { alreadyGone, clock }: BackendRules,
): Promise<SessionOutcome> {
  const reports: BackendReport[] = [];
  for (const backend of backends) {
    const startedAt = clock.monotonic();
    const result = await backend.disconnect(session);
    // A backend that was called before may have ended the session at this one, too.
    const isExpected = alreadyGone === 'success' || reports.some(({ kind }) => kind === 'disconnected');
    reports.push(reportOf(backend.name, result, isExpected, clock.monotonic() - startedAt));
  }
  return combine(reports);
}

function reportOf(
  backend: BackendName,
  result: BackendResult,
  goneIsSuccess: boolean,
  durationMs: number,
): BackendReport {
  const { kind, attempts = wasSent(kind) ? 1 : 0, nas, host, failedHosts, errorCause, notDone } = result;
  const details = {
    attempts,
    durationMs: Math.round(durationMs),
    ...(nas !== undefined && { nas }),
    ...(host !== undefined && { host }),
    ...(failedHosts !== undefined && { failedHosts }),
    ...(errorCause !== undefined && { errorCause }),
    ...(notDone !== undefined && notDone.length > 0 && { notDone }),
  };
  if (result.kind === 'disconnected') return { backend, kind: 'disconnected', ...details };
  const { reason } = result;
  if (result.kind !== 'already gone') return { backend, kind: result.kind, reason, ...details };
  return goneIsSuccess
    ? { backend, kind: 'disconnected', ...details, alreadyGone: true }
    : { backend, kind: 'rejected', reason, ...details, alreadyGone: true };
}

function wasSent(kind: BackendResult['kind']): boolean {
  return !['unreachable', 'busy', 'stopping', 'bad session'].includes(kind);
}

/** The kind is that of the first failure. */
function combine(reports: readonly BackendReport[]): SessionOutcome {
  const failed = reports.flatMap(({ kind, reason = '' }) =>
    kind === 'disconnected' ? [] : [{ kind, reason }],
  );
  const [first] = failed;
  if (!first) return { kind: 'disconnected', reports };
  const done = reports
    .filter(({ kind }) => kind === 'disconnected')
    .map(({ backend }) => `the session was ended by ${backend === 'pcrf' ? 'the PCRF' : 'RADIUS'}`);
  return { kind: first.kind, reason: [...failed.map(({ reason }) => reason), ...done].join('; '), reports };
}

const failures: Readonly<Record<SessionFailure, true>> = {
  rejected: true,
  unreachable: true,
  'invalid response': true,
  timeout: true,
  busy: true,
  stopping: true,
  'bad session': true,
};

export function isSessionFailure(kind: unknown): kind is SessionFailure {
  return typeof kind === 'string' && Object.hasOwn(failures, kind);
}

/** Reports that another process has written as JSON; undefined when they are malformed. */
export function parseReports(value: unknown): BackendReport[] | undefined {
  if (!Array.isArray(value) || value.length > backendNames.length) return undefined;
  const reports = value.map(parseReport).filter((report) => report !== undefined);
  return reports.length === value.length ? reports : undefined;
}

function parseReport(value: unknown): BackendReport | undefined {
  if (!isObject(value)) return undefined;
  const { kind, reason, attempts, durationMs, nas, host, failedHosts } = value;
  const { errorCause, notDone, alreadyGone } = value;
  const backend = backendNames.find((name) => name === value.backend);
  if (backend === undefined || !(kind === 'disconnected' || isSessionFailure(kind))) return undefined;
  if (typeof attempts !== 'number' || typeof durationMs !== 'number') return undefined;
  return {
    backend,
    kind,
    attempts,
    durationMs,
    ...(typeof reason === 'string' && { reason }),
    ...(typeof nas === 'string' && { nas }),
    ...(typeof host === 'string' && { host }),
    ...(Array.isArray(failedHosts) && { failedHosts: failedHosts.map(String) }),
    ...(typeof errorCause === 'number' && { errorCause }),
    ...(Array.isArray(notDone) && { notDone: notDone.map(String) }),
    ...(alreadyGone === true && { alreadyGone }),
  };
}
