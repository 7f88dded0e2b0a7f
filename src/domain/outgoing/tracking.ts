// What became of outgoing SMS, for developers and operators: reports of phones, queries, cancellation. Used by the gateway's routes.

import { mapConcurrent } from '../../lib/concurrency.ts';
import type { RequestContext } from '../shared/ports.ts';
import type { Developers } from './developers.ts';
import { applyReport, changeState, type OutgoingMessage, type PhoneReport } from './message.ts';
import type { MessageChange, MessageLog } from './message-log.ts';
import type { MessageFilters, MessagePage, OutgoingMessageStore } from './ports.ts';
import type { RequestLimits } from './request-limits.ts';
import type { WaitingQueue } from './waiting-sms.ts';

export interface DeveloperCredentials {
  readonly authId: string;
  readonly authKey: string;
}

/**
 * - `cancelled`: now, or before
 * - `too late`: the broker has it, or it is in a final state
 */
interface Cancellation {
  readonly message: OutgoingMessage;
  readonly kind: 'cancelled' | 'too late';
}

export interface Tracking {
  /**
   * Records a report of one of the developer's phones; a repeated or late one changes nothing. False for a message that this
   * developer does not have. Throws UNAVAILABLE.
   * @param ids names of the message, the best first
   */
  report(authId: string, ids: readonly string[], report: PhoneReport): Promise<boolean>;
  /** The developer's messages of a request, in order; none for an unknown one. Throws UNAUTHENTICATED, LIMITED, UNAVAILABLE. */
  requestOf(
    developer: DeveloperCredentials,
    uuid: string,
    context: RequestContext,
  ): Promise<readonly OutgoingMessage[]>;
  /** Cancels messages that the broker does not have yet. Throws UNAVAILABLE. */
  cancel(messages: readonly OutgoingMessage[]): Promise<readonly Cancellation[]>;
  list(
    filters: MessageFilters,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<MessagePage>;
  find(id: string): Promise<OutgoingMessage | undefined>;
}

export interface TrackingDeps {
  readonly store: OutgoingMessageStore;
  readonly messages: Pick<MessageLog, 'change'>;
  /** Undefined when no broker is configured. */
  readonly waiting: Pick<WaitingQueue, 'remove'> | undefined;
  readonly developers: Pick<Developers, 'authenticate'>;
  readonly limits: RequestLimits;
}

/** Recipients of one request, and of a few more with the same uuid. */
const maxOfRequest = 5_000;
const concurrency = 50;

export function createTracking(deps: TrackingDeps): Tracking {
  const { store, messages, waiting, developers, limits } = deps;

  const cancelOne = async ({ id }: OutgoingMessage): Promise<Cancellation | undefined> => {
    const message = (await messages.change(id, cancelPending)) ?? (await store.getDurable(id));
    if (message?.state !== 'cancelled') return message && { message, kind: 'too late' };
    // Also of one that was cancelled before, because that request may have failed here.
    await waiting?.remove(id);
    return { message, kind: 'cancelled' };
  };

  return {
    report: async (authId, ids, report) => {
      for (const id of ids) {
        if ((await store.get(id))?.authId !== authId) continue;
        const changed = await messages.change(id, (message, now) => applyReport(message, report, now));
        // A repeated report is acknowledged once the change by the first one is durable.
        if (!changed) await store.getDurable(id);
        return true;
      }
      return false;
    },
    requestOf: async ({ authId, authKey }, uuid, { address }) => {
      await limits.countAddress(address);
      await developers.authenticate(authId, authKey, address);
      await limits.countDeveloper(authId);
      return store.ofRequest(authId, uuid, maxOfRequest);
    },
    cancel: async (list) => {
      const results: Cancellation[] = [];
      for await (const result of mapConcurrent(list, concurrency, cancelOne))
        if (result) results.push(result);
      return results;
    },
    list: (filters, page) => store.list(filters, page),
    find: (id) => store.get(id),
  };
}

export const cancelPending: MessageChange = (message, now) =>
  message.handover === 'pending' ? changeState(message, 'cancelled', now) : undefined;
