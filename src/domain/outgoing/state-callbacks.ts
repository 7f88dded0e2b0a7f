// Callbacks about the state of an outgoing SMS: what they say, and their order. Used by message-log.ts.

import { sha256Hex } from '../../crypto/random.ts';
import type { Outbox } from '../shared/outbox-types.ts';
import type { OutboxStore } from '../shared/ports.ts';
import type { MessageState, OutgoingMessage } from './message.ts';
import { isoTime } from './message-views.ts';
import type { Callback } from './model.ts';

export interface StateCallbacks {
  /**
   * Stores the callbacks about this state, one for each URL, under ids that are the same whenever it is called. False when the
   * developer has too many that wait; then it is to be called again later.
   */
  add(message: OutgoingMessage, state: MessageState): Promise<boolean>;
}

/** For each URL of a request: callbacks in one lane are sent one after the other, which keeps those of a message in order. */
const lanesForMessages = 4;

/** @param maxPerDeveloper callbacks of one developer that may wait */
export function createStateCallbacks(
  outbox: Pick<Outbox<Callback>, 'add'>,
  store: Pick<OutboxStore<Callback>, 'countOf'>,
  maxPerDeveloper: number,
): StateCallbacks {
  return {
    add: async (message, state) => {
      const { urls = [] } = message.callbacks ?? {};
      const maxPerLane = Math.ceil(maxPerDeveloper / (lanesForMessages * urls.length));
      const callbacks = urls.map((url, index) => ({ url, lane: laneOf(message.authId, index, message.id) }));
      for (const { lane } of callbacks) if ((await store.countOf(lane)) >= maxPerLane) return false;
      const body = JSON.stringify(stateEvent(message, state));
      for (const { url, lane } of callbacks) {
        await outbox.add(callbackId(message, state, url), { url, body, lane });
      }
      return true;
    },
  };
}

function callbackId({ authId, uuid, id }: OutgoingMessage, state: MessageState, url: string): string {
  return sha256Hex(JSON.stringify([authId, uuid, id, state, url])).slice(0, 32);
}

/** The states of a message whose callbacks wait for an attempt, or for another one. */
export async function waitingCallbacksOf(
  message: OutgoingMessage,
  store: Pick<OutboxStore<Callback>, 'get'>,
): Promise<readonly MessageState[]> {
  const { urls = [], events = [] } = message.callbacks ?? {};
  const waiting = await Promise.all(
    events
      .filter((state) => message.times[state] !== undefined)
      .flatMap((state) =>
        urls.map(async (url) => ((await store.get(callbackId(message, state, url))) ? state : undefined)),
      ),
  );
  return waiting.filter((state) => state !== undefined);
}

/**
 * Few lanes for each developer, so that one whose URLs do not respond uses up few of the concurrent callbacks.
 * @param urlIndex the position of the URL in the request
 */
export function laneOf(authId: string, urlIndex: number, messageId: string): string {
  const lane = Number.parseInt(sha256Hex(messageId).slice(0, 8), 16) % lanesForMessages;
  return `${authId} ${urlIndex} ${lane}`;
}

/** The body, in the form of Standard Webhooks: `type`, `timestamp` and `data`. */
function stateEvent(message: OutgoingMessage, state: MessageState): object {
  const { id, uuid, number, operatorName, reason, times } = message;
  const isReasonOf = message.state === state && reason !== undefined;
  return {
    type: `sms.${state}`,
    timestamp: isoTime(times[state] ?? times.queued),
    data: { uuid, id, number, operator_name: operatorName, state, ...(isReasonOf && { reason }) },
  };
}
