// Records every request to the disconnect service, refused ones too, and never the token. Wraps the use case of
// disconnects.ts; used by the disconnect service.

import { type ErrorCode, SwobError } from '../../errors.ts';
import type { Clock, IdentifiedContext, Log } from '../shared/ports.ts';
import { withTimeout } from '../shared/with-timeout.ts';
import {
  type AuditedOutcome,
  type DisconnectAuditStore,
  type DisconnectRecord,
  isUntrusted,
  recordIdOf,
} from './audit-model.ts';
import type { DisconnectOutcome, Disconnects } from './disconnects.ts';

export interface AuditedDisconnects {
  /** As the use case does, and records the request. */
  disconnect(token: string, context: IdentifiedContext): Promise<DisconnectOutcome>;
  /** Records a request that never became a disconnect: without a token, or not well formed. */
  recordMalformed(error: unknown, context: IdentifiedContext): void;
}

export interface AuditDeps {
  readonly store: DisconnectAuditStore;
  readonly clock: Clock;
  readonly log: Log;
  /** 8 random hex characters. */
  readonly newSuffix: () => string;
  /** Counts a record by what became of it. */
  readonly count: (outcome: 'stored' | 'failed' | 'dropped') => void;
}

/** Records that may wait to be written; refused ones leave room for others. */
const maxPending = { trusted: 10_000, untrusted: 1_000 };
/** How long a response waits for its record. */
const maxWaitMs = 1_000;
/** Failures are logged once in this time, because a flood of requests would fill the log. */
const logEveryMs = 10_000;
const maxReason = 500;

/** Outcomes of errors; all others are failures of swob. */
const outcomes: Partial<Record<ErrorCode, AuditedOutcome>> = {
  UNAUTHENTICATED: 'refused',
  LIMITED: 'limited',
};

/**
 * The response to a valid token waits until its record is durable, so that after a crash every disconnect that was
 * confirmed is in the audit trail; concurrent ones share one write. Refused requests do not wait, because a flood of them
 * must not queue up at the disk. A store that fails never fails a disconnect, which has happened.
 */
export function auditDisconnects(disconnects: Disconnects, deps: AuditDeps): AuditedDisconnects {
  const { store, clock, log, newSuffix, count } = deps;
  let pending = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;

  const write = async (record: DisconnectRecord): Promise<void> => {
    if (pending >= maxPending[isUntrusted(record) ? 'untrusted' : 'trusted']) return count('dropped');
    pending++;
    try {
      await store.add(record);
      count('stored');
    } catch (error) {
      count('failed');
      if (clock.monotonic() - loggedAt < logEveryMs) return;
      loggedAt = clock.monotonic();
      const reason = error instanceof SwobError ? error.message : String(error);
      log.error({ reason }, 'could not record a disconnect in the audit trail');
    } finally {
      pending--;
    }
  };

  /** Begins a record; `end` writes it. */
  const begin = ({ address, requestId }: IdentifiedContext) => {
    const at = clock.now();
    const startedAt = clock.monotonic();
    return async (result: RecordedResult): Promise<void> => {
      const durationMs = Math.round(clock.monotonic() - startedAt);
      const record: DisconnectRecord = {
        id: recordIdOf(at, newSuffix()),
        at,
        requestId,
        address,
        durationMs,
        ...result,
      };
      const written = write(record);
      if (!isUntrusted(record)) await withTimeout(clock, maxWaitMs, written);
    };
  };

  return {
    disconnect: async (token, context) => {
      const end = begin(context);
      let outcome: DisconnectOutcome;
      try {
        outcome = await disconnects.disconnect(token, context);
      } catch (error) {
        await end(failureOf(error));
        throw error;
      }
      await end(resultOf(outcome));
      return outcome;
    },
    recordMalformed: (error, context) => {
      void begin(context)({ ...failureOf(error), outcome: 'malformed' });
    },
  };
}

/** What a record says about the outcome. */
type RecordedResult = Omit<DisconnectRecord, 'id' | 'at' | 'requestId' | 'address' | 'durationMs'>;

function failureOf(error: unknown): RecordedResult {
  if (!(error instanceof SwobError)) return { outcome: 'failed', reason: 'internal error', reports: [] };
  return {
    outcome: outcomes[error.code] ?? 'failed',
    reason: error.message.slice(0, maxReason),
    reports: [],
  };
}

function resultOf(outcome: DisconnectOutcome): RecordedResult {
  const { kind, reports } = outcome;
  const session = 'session' in outcome ? outcome.session : undefined;
  const verified = 'verified' in outcome ? outcome.verified : undefined;
  return {
    outcome: kind,
    ...('reason' in outcome && { reason: outcome.reason.slice(0, maxReason) }),
    ...(session && {
      sessionId: session.sessionId,
      nasIp: session.nasIp,
      vrf: session.vrf,
      mac: session.clientMac,
      ...(session.userName !== undefined && { user: session.userName }),
    }),
    ...(verified !== undefined && { verified }),
    reports,
  };
}
