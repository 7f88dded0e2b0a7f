// A request to the disconnect service as the audit trail keeps it, and the filters of its list. Used by the stores, audit.ts,
// and the admin routes.

import type { BackendReport } from './backends.ts';
import type { Verdict } from './verification.ts';

/**
 * What became of a request:
 * - `disconnected`, and the failures of backends.ts: the token was valid
 * - `overloaded`: too many were running
 * - `failed`: swob could not handle it, such as without its store
 * - `refused`: the token was not valid
 * - `limited`: a rate limit was exceeded
 * - `malformed`: there was no token, or the request was not well formed
 */
export const disconnectOutcomes = [
  'disconnected',
  'rejected',
  'unreachable',
  'invalid response',
  'timeout',
  'busy',
  'stopping',
  'bad session',
  'overloaded',
  'failed',
  'refused',
  'limited',
  'malformed',
] as const;
export type AuditedOutcome = (typeof disconnectOutcomes)[number];

/** Outcomes that anybody can cause without a valid token: they have a bound of their own. */
const untrustedOutcomes: readonly AuditedOutcome[] = ['refused', 'limited', 'malformed'];

/** One request. Never contains the token. */
export interface DisconnectRecord {
  /** 13 digits of the time and 8 hex characters, so that ids sort by time. */
  readonly id: string;
  /** Arrival of the request, Unix time in milliseconds. */
  readonly at: number;
  readonly requestId: string;
  /** Of the client, in the form of `limitAddress`. */
  readonly address: string;
  readonly outcome: AuditedOutcome;
  /** From the arrival to the outcome. */
  readonly durationMs: number;
  /** Why it failed, for operators. */
  readonly reason?: string;
  /** The token's `sub`. */
  readonly user?: string;
  readonly sessionId?: string;
  readonly nasIp?: string;
  readonly vrf?: string;
  /** `FC-45-96-5F-50-AC` */
  readonly mac?: string;
  /** What each backend did; empty when none was called. */
  readonly reports: readonly BackendReport[];
  /** Whether the session was seen to be gone; absent when that was not verified. */
  readonly verified?: Verdict;
}

export function isUntrusted({ outcome }: Pick<DisconnectRecord, 'outcome'>): boolean {
  return untrustedOutcomes.includes(outcome);
}

/** The id of a new record. @param suffix 8 hex characters */
export function recordIdOf(at: number, suffix: string): string {
  return `${String(Math.max(0, Math.floor(at))).padStart(13, '0')}${suffix}`;
}

export const recordIdPattern = '^[0-9]{13}[0-9a-f]{8}$';

export interface DisconnectFilters {
  /** Only records from this Unix time in milliseconds on. */
  readonly since?: number;
  /** In the form of the records. */
  readonly mac?: string;
  readonly sessionId?: string;
  readonly user?: string;
  readonly outcome?: AuditedOutcome;
  /** One of the session, the user, the address or section of the NAS, the client, and the request id; case does not matter. */
  readonly text?: string;
}

export function matchesFilters(record: DisconnectRecord, filters: DisconnectFilters): boolean {
  const { since = 0, mac, sessionId, user, outcome, text } = filters;
  return (
    record.at >= since &&
    (mac === undefined || record.mac === mac) &&
    (sessionId === undefined || record.sessionId === sessionId) &&
    (user === undefined || record.user === user) &&
    (outcome === undefined || record.outcome === outcome) &&
    (text === undefined || namesOf(record).includes(text.toLowerCase()))
  );
}

/** What an operator may look for, in lower case. */
function namesOf({ sessionId, user, nasIp, address, requestId, reports }: DisconnectRecord): string[] {
  const names = [sessionId, user, nasIp, address, requestId, ...reports.map(({ nas }) => nas)];
  return names.flatMap((name) => name?.toLowerCase() ?? []);
}

interface DisconnectPage {
  /** Newest first. */
  readonly records: readonly DisconnectRecord[];
  /** The `before` of the next page; absent at the end. A page may be short, or empty, and still have a next one. */
  readonly next?: string;
}

/** The audit trail, bounded in number and age; untrusted outcomes have bounds of their own. */
export interface DisconnectAuditStore {
  /** Durable when this resolves. Evicts the oldest. Throws UNAVAILABLE. */
  add(record: DisconnectRecord): Promise<void>;
  get(id: string): Promise<DisconnectRecord | undefined>;
  /**
   * Matching records, the newest first, `limit` at most, only those before the id `before`. Reads a bounded number of
   * records.
   */
  list(
    filters: DisconnectFilters,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<DisconnectPage>;
}
