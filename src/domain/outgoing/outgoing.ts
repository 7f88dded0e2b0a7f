// Outgoing SMS, which developers send through gateway phones: authenticates the developer, applies limits, and sends each request
// once. Used by the gateway's /v1 routes.

import { sha256Hex } from '../../crypto/random.ts';
import { messageOf, NotConfiguredError, SwobError } from '../../errors.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Clock, LeaseStore, LimitStore, Log, RequestContext, TtlStore } from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';
import { type Addressee, type Addressing, namedOperatorFault, type Recipient } from './addressing.ts';
import { parseCallbackUrls } from './callback-url.ts';
import type { Developers, SetupCredentials } from './developers.ts';
import { lookUpAll } from './dispatch.ts';
import {
  createIdempotentRequests,
  type RequestAttempt,
  type RequestResult,
  singleAttempt,
} from './idempotent-requests.ts';
import type { MessageState } from './message.ts';
import type { StoredResponse } from './model.ts';
import type { Tenants } from './ports.ts';
import type { RequestLimits } from './request-limits.ts';
import type { Batch, Sending } from './sending.ts';
import { maxScheduleMs } from './waiting-sms.ts';

/** Times are Unix times in milliseconds. */
export interface SendRequest {
  readonly authId: string;
  readonly authKey: string;
  readonly data: readonly Recipient[];
  /** One URL, or several separated by commas. */
  readonly callbackUrl?: string;
  /** The states that are reported there, besides the result of the request. */
  readonly callbackEvents?: readonly MessageState[];
  readonly uuid?: string;
  /** The Idempotency-Key header. */
  readonly idempotencyKey?: string;
  /** Not to be sent earlier. */
  readonly scheduledAt?: number;
  /** Not to be sent later. */
  readonly validUntil?: number;
  /** The same as a time from when it may be sent, in milliseconds. */
  readonly ttlMs?: number;
}

export interface Subscription {
  readonly authId: string;
  readonly authKey: string;
  readonly setup: SetupCredentials;
}

export interface Outgoing {
  /**
   * Sends each SMS to the broker, and continues after one that fails. The same request again (by its Idempotency-Key or
   * uuid) gets the same result and sends nothing.
   * Throws UNAUTHENTICATED, LIMITED, BAD_INPUT (callback URL, times), CONFLICT (the key was used for another request),
   * UNAVAILABLE (no broker, or it accepts nothing now), UPSTREAM.
   * @returns the result; incomplete when the broker failed before it accepted any SMS
   */
  send(request: SendRequest, context: RequestContext): Promise<RequestResult>;
  /** Grants the developer access to the broker. Throws UNAUTHENTICATED, LIMITED, UNAVAILABLE, UPSTREAM. */
  subscribe(subscription: Subscription, context: RequestContext): Promise<void>;
  unsubscribe(subscription: Subscription, context: RequestContext): Promise<void>;
  /** The list with missing operators filled in, '' for an unknown one. Throws LIMITED. */
  withOperators<T extends Addressee>(
    list: readonly T[],
    context: RequestContext,
  ): Promise<(T & { operator_name: string })[]>;
}

export interface OutgoingDeps {
  /** Undefined when no broker is configured. */
  readonly sending: Sending | undefined;
  /** Undefined when the management API of the broker is not configured. */
  readonly tenants: Tenants | undefined;
  readonly developers: Developers;
  readonly addressing: Addressing;
  readonly limits: LimitStore;
  readonly responses: TtlStore<StoredResponse>;
  /** Undefined where no other process shares the store. */
  readonly leases: LeaseStore | undefined;
  readonly requests: RequestLimits;
  /** Number lookups for an unauthenticated address. */
  readonly lookupLimit: RateLimit;
  /** Reported to callback URLs of requests that do not choose. */
  readonly defaultEvents: readonly MessageState[];
  readonly clock: Clock;
  readonly log: Log;
}

export function createOutgoing(deps: OutgoingDeps): Outgoing {
  const { sending, tenants, developers, addressing, limits, requests, responses, clock } = deps;
  const once = createIdempotentRequests(responses, deps);

  const requireTenants = async (address: string): Promise<Tenants> => {
    await requests.countAddress(address);
    if (tenants) return tenants;
    throw new NotConfiguredError(
      'no broker configured: set [broker] url and management_url',
      'no broker configured',
    );
  };

  /** True when it cannot be determined: the broker then reports a missing queue. */
  const isSubscribed = (at: Tenants, authId: string, log: Log): Promise<boolean> =>
    at.isSubscribed(authId).catch((error: unknown) => {
      log.warn({ authId, reason: messageOf(error) }, 'cannot determine whether a developer is subscribed');
      return true;
    });

  /** The developer's request as a batch. Throws BAD_INPUT. */
  const batchOf = (request: SendRequest): Batch => {
    const { authId, data, uuid, callbackUrl, callbackEvents = deps.defaultEvents } = request;
    // No SMS of the request could be sent.
    if (data.every(({ operator_name }) => namedOperatorFault(authId, operator_name) !== undefined)) {
      throw new SwobError('BAD_INPUT', 'operator_name is not well formed');
    }
    const urls = parseCallbackUrls(callbackUrl);
    return { authId, data, uuid, urls, events: callbackEvents, ...timesOf(request, clock.now()) };
  };

  /** Checks the set-up credentials first, so that without them nobody can test developer credentials. */
  const authorise = async ({ authId, authKey, setup }: Subscription, address: string): Promise<void> => {
    await developers.checkSetup(setup, address);
    await developers.authenticate(authId, authKey, address);
    await requests.countDeveloper(authId);
  };

  return {
    send: async (request, { address, log, isAborted }) => {
      const { authId, authKey, idempotencyKey, uuid } = request;
      await requests.countAddress(address);
      if (!sending)
        throw new NotConfiguredError('no broker configured: set [broker] url', 'no broker configured');
      const batch = batchOf(request);
      await developers.authenticate(authId, authKey, address);
      await requests.countDeveloper(authId);
      if (tenants && !(await isSubscribed(tenants, authId, log))) {
        throw new SwobError('UNAUTHENTICATED', 'not subscribed');
      }
      const digest = digestOf(batch, request);
      const work = (attempt: RequestAttempt) => sending.send(batch, attempt, log);
      const run = (): Promise<RequestResult> => {
        if (idempotencyKey !== undefined) return once(`${authId}/key/${idempotencyKey}`, digest, work, log);
        // Older clients may send the same uuid with every request, so the key includes the content.
        if (uuid !== undefined) return once(`${authId}/uuid/${uuid}/${digest}`, digest, work, log);
        // No other request shares this one, so it may stop when its client goes before the first SMS is sent.
        return sending.send(batch, singleAttempt, log, isAborted);
      };
      const { body, complete } = await run();
      return { body: await sending.respond(body), complete };
    },

    subscribe: async (subscription, { address, log }) => {
      const at = await requireTenants(address);
      await authorise(subscription, address);
      await at.subscribe(subscription.authId, subscription.authKey);
      log.info({ authId: subscription.authId }, 'subscribed');
    },

    unsubscribe: async (subscription, { address, log }) => {
      const at = await requireTenants(address);
      await authorise(subscription, address);
      await at.unsubscribe(subscription.authId);
      log.info({ authId: subscription.authId }, 'unsubscribed');
    },

    withOperators: async (list, { address, isAborted }) => {
      const refused = await consumeAll(limits, [`lookup:address:${address}`], deps.lookupLimit, list.length);
      if (refused) throw rateLimited('numbers looked up', refused.seconds);
      const lookUp = async (addressee: (typeof list)[number]) => ({
        ...addressee,
        operator_name: await addressing.operatorOf(addressee),
      });
      return lookUpAll(list, lookUp, isAborted);
    },
  };
}

/** When the SMS of a request may be sent. Throws BAD_INPUT. */
function timesOf({ scheduledAt, validUntil, ttlMs }: SendRequest, now: number) {
  if (scheduledAt !== undefined && scheduledAt > now + maxScheduleMs) {
    throw new SwobError('BAD_INPUT', `schedule_at: over ${maxScheduleMs / 86_400_000} days ahead`);
  }
  if (validUntil !== undefined && ttlMs !== undefined) {
    throw new SwobError('BAD_INPUT', 'give ttl or valid_until, not both');
  }
  const earliest = Math.max(now, scheduledAt ?? now);
  const latest = ttlMs === undefined ? validUntil : earliest + ttlMs;
  if (latest !== undefined && latest <= earliest) {
    throw new SwobError('BAD_INPUT', 'valid_until: it is over before the SMS may be sent');
  }
  return { scheduledAt, validUntil: latest };
}

/** Of what makes a request the same as another; that of a request without the newer members is as it always was. */
function digestOf(
  { data, urls }: Batch,
  { scheduledAt, validUntil, ttlMs, callbackEvents }: SendRequest,
): string {
  const chosen = { scheduledAt, validUntil, ttlMs, callbackEvents };
  const isPlain = Object.values(chosen).every((value) => value === undefined);
  return sha256Hex(Buffer.from(JSON.stringify(isPlain ? [data, urls] : [data, urls, chosen])));
}
