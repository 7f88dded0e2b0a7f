// Outgoing SMS, which developers send through gateway phones: authenticates the developer, sends each SMS to the
// broker, and reports the errors for each recipient. Used by the gateway's /v1 routes.

import { newUuid, sha256Hex } from '../../crypto/random.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Outbox } from '../shared/outbox-types.ts';
import type {
  Clock,
  LeaseStore,
  LimitStore,
  Log,
  RequestContext,
  Telecom,
  TtlStore,
} from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';
import { type Addressee, createAddressing, namedOperatorFault, type Recipient } from './addressing.ts';
import { callbackUrlFault } from './callback-url.ts';
import type { Developers, SetupCredentials } from './developers.ts';
import { type Dispatched, lookUpAll, type SendOptions, sendAll } from './dispatch.ts';
import {
  createIdempotentRequests,
  type RequestAttempt,
  type RequestResult,
  singleAttempt,
} from './idempotent-requests.ts';
import type { Callback, StoredResponse } from './model.ts';
import type { Broker, Tenants } from './ports.ts';

export interface SendRequest {
  readonly authId: string;
  readonly authKey: string;
  readonly data: readonly Recipient[];
  /** One URL, or several separated by commas. */
  readonly callbackUrl?: string;
  readonly uuid?: string;
  /** The Idempotency-Key header. */
  readonly idempotencyKey?: string;
}

export interface Subscription {
  readonly authId: string;
  readonly authKey: string;
  readonly setup: SetupCredentials;
}

export interface Outgoing {
  /**
   * Sends each SMS to the broker, and continues after one that fails. The same request again (by its Idempotency-Key or
   * uuid) gets the same response and sends nothing.
   * Throws UNAUTHENTICATED, LIMITED, BAD_INPUT (callback URL), CONFLICT (the key was used for another request),
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
  /** Undefined when none is configured. */
  readonly broker: Broker | undefined;
  /** Undefined when the management API of the broker is not configured. */
  readonly tenants: Tenants | undefined;
  readonly developers: Developers;
  readonly telecom: Telecom;
  /** The SIM of an SMS whose recipient names none. */
  readonly defaultSid: string;
  readonly limits: LimitStore;
  readonly responses: TtlStore<StoredResponse>;
  /** Undefined where no other process shares the store. */
  readonly leases: LeaseStore | undefined;
  readonly callbacks: Outbox<Callback>;
  readonly requestLimit: RateLimit;
  /** Number lookups for an unauthenticated address. */
  readonly lookupLimit: RateLimit;
  readonly clock: Clock;
  readonly log: Log;
}

const maxCallbacks = 5;
const outcomeUnknown =
  'it may have been sent: an earlier attempt of this request was interrupted, and no SMS is sent twice';

export function createOutgoing(deps: OutgoingDeps): Outgoing {
  const { broker, tenants, developers, limits, responses, callbacks, clock } = deps;
  const addressing = createAddressing(deps.telecom, deps.defaultSid);
  const once = createIdempotentRequests(responses, deps);

  const count = async (...keys: readonly LimitKey[]): Promise<void> => {
    const refused = await consumeAll(limits, keys, deps.requestLimit);
    if (refused) throw rateLimited('requests', refused.seconds);
  };
  const addressKey = (address: string): LimitKey => `outgoing:address:${address}`;
  /** Counted only after authentication, so that strangers cannot exhaust a developer's limit. */
  const countDeveloper = (authId: string): Promise<void> => count(`outgoing:developer:${authId}`);

  const dispatch = async (
    to: Broker,
    request: SendRequest,
    urls: readonly string[],
    { earlier, saveProgress }: RequestAttempt,
    log: Log,
    isAborted?: () => boolean,
  ): Promise<RequestResult> => {
    const { authId, data } = request;
    const before = earlier && readBody(earlier.body);
    const uuid = request.uuid ?? before?.uuid ?? newUuid();
    // All operators first, so that the SMS reach the broker in the order of the list.
    const messages = await lookUpAll(data, (recipient) => addressing.address(authId, recipient), isAborted);
    const givenNumbers = new Map(messages.map(({ sms, givenNumber }) => [sms, givenNumber]));
    const { done = 0, begun = 0 } = earlier ?? {};
    const unknown = messages.slice(done, begun).map(({ sms }) => ({ sms, failure: outcomeUnknown }));
    if (earlier) log.warn({ uuid, unknown: unknown.length }, 'an interrupted request is resumed');
    const timestamp = new Date(clock.now()).toISOString();
    const errorsOf = (outcomes: readonly Pick<Dispatched, 'sms' | 'failure'>[]): unknown[] =>
      outcomes.flatMap(({ sms, failure }) =>
        failure === undefined
          ? []
          : [
              {
                number: givenNumbers.get(sms) ?? sms.number,
                operator_name: sms.operatorName,
                error_message: failure,
                timestamp,
              },
            ],
      );
    const bodyOf = (outcomes: readonly Dispatched[]): string =>
      JSON.stringify({ uuid, errors: [...(before?.errors ?? []), ...errorsOf([...unknown, ...outcomes])] });
    const options: SendOptions = {
      broker: to,
      beforeBatch: (outcomes, count) => {
        const next = begun + outcomes.length;
        return saveProgress({ body: bodyOf(outcomes), done: next, begun: next + count });
      },
    };
    const outcomes = await sendAll(options, messages.slice(begun));
    const body = bodyOf(outcomes);
    // Once an SMS may have been accepted the response is final, because a repetition would send it twice.
    const tried = outcomes.filter(({ kind }) => kind !== 'bad');
    const complete = tried.length === 0 || tried.some(({ kind }) => kind !== 'not sent');
    log.info({ uuid, sms: outcomes.length, failed: errorsOf(outcomes).length }, 'outgoing SMS');
    if (complete && urls.length > 0) {
      // Throws if another process has taken over the request, whose result is the one to report.
      await saveProgress({ body, done: messages.length, begun: messages.length });
      await addCallbacks(urls, body, log);
    }
    return { body, complete };
  };

  /** Never fails: a callback that cannot be stored must not fail a request whose SMS have been sent. */
  const addCallbacks = async (urls: readonly string[], body: string, log: Log): Promise<void> => {
    for (const url of urls) {
      await callbacks.add(newUuid(), { url, body }).catch((error: unknown) => {
        log.error({ reason: messageOf(error) }, 'a callback was dropped');
      });
    }
  };

  const requireTenants = (): Tenants => {
    if (tenants) return tenants;
    throw new SwobError('UNAVAILABLE', 'no broker configured: set [broker] url and management_url', {
      publicMessage: 'no broker configured',
    });
  };

  /** True when it cannot be determined: the broker then reports a missing queue. */
  const isSubscribed = (at: Tenants, authId: string, log: Log): Promise<boolean> =>
    at.isSubscribed(authId).catch((error: unknown) => {
      log.warn({ authId, reason: messageOf(error) }, 'cannot determine whether a developer is subscribed');
      return true;
    });

  /** Checks the set-up credentials first, so that without them nobody can test developer credentials. */
  const authorise = async ({ authId, authKey, setup }: Subscription, address: string): Promise<void> => {
    await count(addressKey(address));
    await developers.checkSetup(setup, address);
    await developers.authenticate(authId, authKey, address);
    await countDeveloper(authId);
  };

  return {
    send: async (request, { address, log, isAborted }) => {
      const { authId, authKey } = request;
      await count(addressKey(address));
      if (!broker) throw new SwobError('UNAVAILABLE', 'no broker configured');
      const urls = callbackUrls(request.callbackUrl);
      // No SMS of the request could be sent.
      if (
        request.data.every(({ operator_name }) => namedOperatorFault(authId, operator_name) !== undefined)
      ) {
        throw new SwobError('BAD_INPUT', 'operator_name is not well formed');
      }
      await developers.authenticate(authId, authKey, address);
      await countDeveloper(authId);
      if (tenants && !(await isSubscribed(tenants, authId, log))) {
        throw new SwobError('UNAUTHENTICATED', 'not subscribed');
      }
      const digest = sha256Hex(Buffer.from(JSON.stringify([request.data, urls])));
      const work = (attempt: RequestAttempt) => dispatch(broker, request, urls, attempt, log);
      if (request.idempotencyKey !== undefined) {
        return once(`${authId}/key/${request.idempotencyKey}`, digest, work, log);
      }
      // Older clients may send the same uuid with every request, so the key includes the content.
      if (request.uuid !== undefined)
        return once(`${authId}/uuid/${request.uuid}/${digest}`, digest, work, log);
      // No other request shares this one, so it may stop when its client goes before the first SMS is sent.
      return dispatch(broker, request, urls, singleAttempt, log, isAborted);
    },

    subscribe: async (subscription, { address, log }) => {
      const at = requireTenants();
      await authorise(subscription, address);
      await at.subscribe(subscription.authId, subscription.authKey);
      log.info({ authId: subscription.authId }, 'subscribed');
    },

    unsubscribe: async (subscription, { address, log }) => {
      const at = requireTenants();
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

/** The response of an interrupted attempt so far. */
function readBody(body: string): { readonly uuid: string | undefined; readonly errors: readonly unknown[] } {
  const { uuid, errors }: { uuid?: unknown; errors?: unknown } = Object(JSON.parse(body));
  return {
    uuid: typeof uuid === 'string' ? uuid : undefined,
    errors: Array.isArray(errors) ? errors : [],
  };
}

/** Splits and checks callback URLs. Throws BAD_INPUT with the reason. */
function callbackUrls(text: string | undefined): string[] {
  const urls = (text ?? '')
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (urls.length > maxCallbacks)
    throw new SwobError('BAD_INPUT', `callback_url: at most ${maxCallbacks} URLs`);
  for (const url of urls) {
    const fault = callbackUrlFault(url);
    if (fault !== undefined) throw new SwobError('BAD_INPUT', `callback_url ${fault}`);
  }
  return urls;
}
