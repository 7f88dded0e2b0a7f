// Disconnects Wi-Fi users: verifies the signed token, reads the session from its claims, and ends it at the PCRF, by RADIUS,
// or both. Used by the disconnect service.

import { sha256Hex } from '../../crypto/random.ts';
import { type ErrorCode, SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { createCoalescer } from '../shared/coalesce.ts';
import { countedKeys } from '../shared/counted-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Clock, LeaseStore, LimitStore, Log, RequestContext } from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';
import {
  type AlreadyGone,
  type BackendReport,
  disconnectAt,
  isSessionFailure,
  parseReports,
  type SessionOutcome,
} from './backends.ts';
import type { WifiSession } from './model.ts';
import type { DisconnectBackend, TokenVerifier } from './ports.ts';
import { parseWifiSession, type WifiSessionRules, wifiSessionOf } from './session-claims.ts';
import { type SessionVerifier, type Verdict, verdicts } from './verification.ts';

/** Outcome of a disconnect: that of the backends, or `overloaded` when too many are running, so that none was called. */
export type DisconnectOutcome =
  | (VerifiedOutcome & {
      /** Absent when another process reports the outcome without it. */
      readonly session?: WifiSession;
    })
  | {
      readonly kind: 'overloaded';
      /** For operators and clients. */
      readonly reason: string;
      readonly reports: readonly BackendReport[];
    };

type VerifiedOutcome = SessionOutcome & {
  /** Whether the session was seen to be gone; absent when that was not verified. */
  readonly verified?: Verdict;
};

type FailedDisconnect = Exclude<DisconnectOutcome, { readonly kind: 'disconnected' }>;

export interface Disconnects {
  /**
   * Ends the session that the token names. Concurrent requests with the same token make one call.
   * Throws UNAUTHENTICATED, LIMITED, and UNAVAILABLE when the store is; messages never contain the token.
   */
  disconnect(token: string, context: RequestContext): Promise<DisconnectOutcome>;
}

export interface DisconnectsDeps {
  readonly verifier: TokenVerifier;
  /** Called in this order. */
  readonly backends: readonly DisconnectBackend[];
  readonly alreadyGone: AlreadyGone;
  /** Undefined: what the backends accept is not verified. */
  readonly verification?: Verification | undefined;
  readonly rules: WifiSessionRules;
  readonly limits: LimitStore;
  /** Requests from an address. */
  readonly callLimit: RateLimit;
  /** Undefined where no other process shares the store. */
  readonly leases: LeaseStore | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Verification extends SessionVerifier {
  /** Whether a session that is still there is a failure. */
  readonly required: boolean;
}

/** Concurrent requests with different tokens; far fewer are sent to the backends at a time. */
const maxInFlight = 10_000;

/** The error that a client gets for each failure. */
const errorCodes: Readonly<Record<FailedDisconnect['kind'], ErrorCode>> = {
  rejected: 'UPSTREAM',
  unreachable: 'UPSTREAM',
  'invalid response': 'UPSTREAM',
  timeout: 'TIMEOUT',
  busy: 'BUSY',
  stopping: 'UNAVAILABLE',
  'bad session': 'BAD_INPUT',
  overloaded: 'UNAVAILABLE',
};

export function createDisconnects(deps: DisconnectsDeps): Disconnects {
  const { verifier, backends, alreadyGone, verification, rules, limits, callLimit, leases, clock } = deps;
  const inFlight = createCoalescer<DisconnectOutcome>({
    name: 'disconnect',
    leases,
    clock,
    log: deps.log,
    read: parseOutcome,
  });

  /** Requests that are acquiring their lease, and count towards the bound already. */
  let acquiring = 0;

  const logOut = async (token: string, log: Log): Promise<DisconnectOutcome> => {
    const session = wifiSessionOf(verifier.verify(token), rules);
    const { sessionId, nasIp, vrf } = session;
    await verification?.prepare?.(session);
    const accepted = await disconnectAt(backends, session, { alreadyGone, clock });
    const outcome: VerifiedOutcome = verification
      ? await verified(accepted, session, verification)
      : accepted;
    const fields = { sessionId, nasIp, vrf, ...radiusFields(outcome), ...verifiedField(outcome) };
    if (outcome.kind === 'disconnected') log.info(fields, 'logged out');
    else log.warn({ ...fields, code: errorCodes[outcome.kind] }, 'not logged out');
    return { ...outcome, session };
  };

  return {
    disconnect: async (token, { address, log }) => {
      const key = sha256Hex(token);
      const limitKeys = [`disconnect:address:${address}`] as const;
      const isFull = inFlight.size + acquiring >= maxInFlight;
      if (inFlight.acquireCounted && callLimit !== 'off' && !inFlight.has(key) && !isFull) {
        acquiring++;
        const acquired = inFlight.acquireCounted(key, countedKeys(limitKeys, callLimit));
        const grant = await acquired.finally(() => acquiring--);
        if ('seconds' in grant) throw rateLimited('disconnects', grant.seconds);
        return inFlight.run(key, () => logOut(token, log), grant);
      }
      const refused = await consumeAll(limits, limitKeys, callLimit);
      if (refused) throw rateLimited('disconnects', refused.seconds);
      if (!inFlight.has(key) && inFlight.size + acquiring >= maxInFlight) {
        return { kind: 'overloaded', reason: 'too many concurrent disconnects; try again', reports: [] };
      }
      return inFlight.run(key, () => logOut(token, log));
    },
  };
}

/** The error that a client gets. */
export function disconnectError({ kind, reason }: FailedDisconnect): SwobError {
  return new SwobError(errorCodes[kind], reason, kind === 'overloaded' ? { retryAfter: 1 } : {});
}

/** The outcome with whether the session is gone; one that failed is not verified. */
async function verified(
  outcome: SessionOutcome,
  session: WifiSession,
  { required, verify }: Verification,
): Promise<VerifiedOutcome> {
  if (outcome.kind !== 'disconnected') return outcome;
  const verdict = await verify(session);
  if (verdict !== 'present' || !required) return { ...outcome, verified: verdict };
  const reason = 'the disconnect was accepted, but the session is still there';
  return { kind: 'rejected', reason, reports: outcome.reports, verified: verdict };
}

function verifiedField({ verified: verdict }: VerifiedOutcome): object {
  return verdict === undefined ? {} : { verified: verdict };
}

/** For the log, where RADIUS is used. */
function radiusFields({ reports }: SessionOutcome): object {
  const { nas, attempts, errorCause, notDone } = reports.find(({ backend }) => backend === 'radius') ?? {};
  return {
    ...(nas !== undefined && { nas, attempts }),
    ...(errorCause !== undefined && { errorCause }),
    ...(notDone !== undefined && { notDone }),
  };
}

/** An outcome that another process has reported; undefined when it is malformed. */
function parseOutcome(value: unknown): DisconnectOutcome | undefined {
  if (!isObject(value)) return undefined;
  const { kind, reason } = value;
  const reports = parseReports(value.reports);
  if (!reports) return undefined;
  const session = parseWifiSession(value.session);
  const verdict = verdicts.find((each) => each === value.verified);
  const details = { reports, ...(session && { session }), ...(verdict && { verified: verdict }) };
  if (kind === 'disconnected') return { kind, ...details };
  return isSessionFailure(kind) && typeof reason === 'string' ? { kind, reason, ...details } : undefined;
}
