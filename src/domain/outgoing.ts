// SMS that developers send through gateway phones: checked, given to the broker one by one, and answered with
// what went wrong for whom. Used by the gateway's /v1 routes.

import { newUuid, sha256Hex } from '../crypto/random.ts';
import { messageOf, SwobError } from '../errors.ts';
import { callbackUrlFault } from './callback-url.ts';
import type { Developers, SetupCredentials } from './developers.ts';
import { inTurns, sendAll } from './dispatch.ts';
import { limited, takeAll } from './limiting.ts';
import type { Callback, RateLimit, RememberedAnswer } from './model.ts';
import type { Outbox } from './outbox.ts';
import { operatorFault } from './outgoing-names.ts';
import type { Caller, Clock, FlightStore, LimitStore, Log, MemoStore, Telecom } from './ports.ts';
import { type Answer, createRepeatedRequests } from './repeated-requests.ts';
import type { Broker, Tenants } from './upstreams.ts';

/** As on the wire; an operator that is not named is looked up. */
interface Addressee {
  readonly number: string;
  readonly operator_name?: string;
}

interface Recipient extends Addressee {
  readonly text: string;
}

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
   * Gives each SMS to the broker; one that fails does not hold up the others. The same request again (by its
   * Idempotency-Key or uuid) is answered as before and sends nothing.
   * Throws UNAUTHENTICATED, LIMITED, BAD_INPUT (callback URL), CONFLICT (the key was used for another request),
   * UNAVAILABLE (no broker, or it takes nothing now), UPSTREAM.
   * @returns the answer; incomplete when the broker failed before it took any
   */
  send(request: SendRequest, caller: Caller): Promise<Answer>;
  /** Gives the developer rights on the broker. Throws UNAUTHENTICATED, LIMITED, UNAVAILABLE, UPSTREAM. */
  subscribe(subscription: Subscription, caller: Caller): Promise<void>;
  unsubscribe(subscription: Subscription, caller: Caller): Promise<void>;
  /** The list with each missing operator filled in, '' when it is unknown. Throws LIMITED. */
  withOperators<T extends Addressee>(
    list: readonly T[],
    address: string,
  ): Promise<(T & { operator_name: string })[]>;
}

export interface OutgoingDeps {
  /** Undefined: none is configured. */
  readonly broker: Broker | undefined;
  /** Undefined: the broker's management API is not configured. */
  readonly tenants: Tenants | undefined;
  readonly developers: Developers;
  readonly telecom: Telecom;
  readonly limits: LimitStore;
  readonly answers: MemoStore<RememberedAnswer>;
  /** Undefined: no other process has the same store. */
  readonly flights: FlightStore | undefined;
  readonly callbacks: Outbox<Callback>;
  readonly requestLimit: RateLimit;
  readonly clock: Clock;
  readonly log: Log;
}

/** Numbers that are looked up at once. */
const lookedUpAtOnce = 50;
const maxCallbacks = 5;

export function createOutgoing(deps: OutgoingDeps): Outgoing {
  const { broker, tenants, developers, telecom, limits, answers, callbacks, clock } = deps;
  const once = createRepeatedRequests(answers, deps);

  const count = async (...keys: readonly string[]): Promise<void> => {
    const refused = await takeAll(limits, keys, deps.requestLimit);
    if (refused) throw limited('requests', refused.seconds);
  };
  const addressKey = (address: string): string => `outgoing:address:${address}`;
  const countDeveloper = (authId: string, address: string): Promise<void> =>
    count(addressKey(address), `outgoing:developer:${authId}`);

  const operatorOf = async ({ number, operator_name }: Addressee): Promise<string> =>
    operator_name || ((await telecom.carrier(number)) ?? '');

  const dispatch = async (
    to: Broker,
    request: SendRequest,
    urls: readonly string[],
    log: Log,
  ): Promise<Answer> => {
    const { authId, data } = request;
    const uuid = request.uuid ?? newUuid();
    // Operators first: the SMS reach the broker in the order of the list, also where some had to be looked up.
    const messages = await inTurns(data, lookedUpAtOnce, async (recipient) => ({
      authId,
      operatorName: await operatorOf(recipient),
      number: recipient.number,
      text: recipient.text,
    }));
    const outcomes = await sendAll({ broker: to, isValid: telecom.isValid }, messages);
    const timestamp = new Date(clock.now()).toISOString();
    const errors = outcomes.flatMap(({ sms, failure }) =>
      failure === undefined
        ? []
        : [{ number: sms.number, operator_name: sms.operatorName, error_message: failure, timestamp }],
    );
    const body = JSON.stringify({ uuid, errors });
    // Whatever may have been taken is answered for good: repeated, it would be sent twice.
    const tried = outcomes.filter(({ kind }) => kind !== 'bad');
    const complete = tried.length === 0 || tried.some(({ kind }) => kind !== 'not sent');
    log.info({ uuid, sms: outcomes.length, failed: errors.length }, 'outgoing SMS');
    if (complete) await tell(urls, body, log);
    return { body, complete };
  };

  /** A result that nobody can be told of is no reason to fail what has been sent. */
  const tell = async (urls: readonly string[], body: string, log: Log): Promise<void> => {
    for (const url of urls) {
      await callbacks.add(newUuid(), { url, body }).catch((error: unknown) => {
        log.error({ reason: messageOf(error) }, 'a callback was dropped');
      });
    }
  };

  const requireTenants = (): Tenants => {
    if (tenants) return tenants;
    throw new SwobError('UNAVAILABLE', 'no broker configured: set [broker] url and management_url', {
      forClients: 'no broker configured',
    });
  };

  /** When nobody can tell, the broker itself is asked: it knows whether a gateway phone listens. */
  const isSubscribed = (at: Tenants, authId: string, log: Log): Promise<boolean> =>
    at.isSubscribed(authId).catch((error: unknown) => {
      log.warn({ authId, reason: messageOf(error) }, 'whether a developer is subscribed cannot be told now');
      return true;
    });

  /** Both pairs of credentials, before anything is asked of the broker. */
  const authorised = async ({ authId, authKey, setup }: Subscription, address: string): Promise<void> => {
    await countDeveloper(authId, address);
    await developers.checkSetup(setup, address);
    await developers.authenticate(authId, authKey, address);
  };

  return {
    send: async (request, { address, log }) => {
      const { authId, authKey } = request;
      await countDeveloper(authId, address);
      if (!broker) throw new SwobError('UNAVAILABLE', 'no broker configured');
      const urls = callbackUrls(request.callbackUrl);
      for (const { operator_name } of request.data) checkOperator(authId, operator_name);
      await developers.authenticate(authId, authKey, address);
      if (tenants && !(await isSubscribed(tenants, authId, log))) {
        throw new SwobError('UNAUTHENTICATED', 'not subscribed');
      }
      const digest = sha256Hex(Buffer.from(JSON.stringify([request.data, urls])));
      const work = () => dispatch(broker, request, urls, log);
      if (request.idempotencyKey !== undefined) {
        return once(`${authId}/key/${request.idempotencyKey}`, digest, work, log);
      }
      // Clients of old may give every request the same uuid: it stands for a request together with its content.
      if (request.uuid !== undefined)
        return once(`${authId}/uuid/${request.uuid}/${digest}`, digest, work, log);
      return work();
    },

    subscribe: async (subscription, { address, log }) => {
      const at = requireTenants();
      await authorised(subscription, address);
      await at.subscribe(subscription.authId, subscription.authKey);
      log.info({ authId: subscription.authId }, 'subscribed');
    },

    unsubscribe: async (subscription, { address, log }) => {
      const at = requireTenants();
      await authorised(subscription, address);
      await at.unsubscribe(subscription.authId);
      log.info({ authId: subscription.authId }, 'unsubscribed');
    },

    withOperators: async (list, address) => {
      // Each number is a look-up, and nobody has to say who he is.
      for (const _ of list) await count(addressKey(address));
      return inTurns(list, lookedUpAtOnce, async (addressee) => ({
        ...addressee,
        operator_name: await operatorOf(addressee),
      }));
    },
  };
}

/** Throws BAD_INPUT for an operator that no routing key can hold: its words are not data alone to the broker. */
function checkOperator(authId: string, operatorName: string | undefined): void {
  if (operatorName && operatorFault(authId, operatorName)) {
    throw new SwobError('BAD_INPUT', 'operator_name is not well formed');
  }
}

/** Throws BAD_INPUT, saying why, for a URL that could never be called. */
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
