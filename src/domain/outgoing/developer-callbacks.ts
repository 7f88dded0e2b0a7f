// Callbacks to developers: the results of their requests, and the states of their SMS; what they say, their order, and how many of
// one developer may wait. Used by sending.ts and message-log.ts.

import { sha256Hex } from '../../crypto/random.ts';
import { messageOf } from '../../errors.ts';
import type { Outbox } from '../shared/outbox-types.ts';
import type { Log, OutboxStore } from '../shared/ports.ts';
import type { MessageState, OutgoingMessage } from './message.ts';
import { isoTime } from './message-views.ts';
import type { Callback } from './model.ts';

/** The request that a result is about. */
interface ResultOf {
  readonly authId: string;
  /** Chosen by the developer, who may use it for several requests. */
  readonly uuid: string;
  /** Of its messages, which no other request has. */
  readonly ids: readonly string[];
  readonly urls: readonly string[];
}

export interface DeveloperCallbacks {
  /**
   * Stores the callbacks with the result of a request, under ids that are the same whenever it is called. Never fails: its SMS have
   * been sent. One that is dropped, because it cannot be stored or too many wait, is logged and counted.
   */
  addResult(request: ResultOf, body: string, log: Log): Promise<void>;
  /**
   * Stores the callbacks about a state of a message, under ids that are the same whenever it is called. False when the developer
   * has too many that wait; then it is to be called again later. Throws UNAVAILABLE.
   */
  addState(message: OutgoingMessage, state: MessageState): Promise<boolean>;
}

export interface DeveloperCallbacksOptions {
  readonly outbox: Pick<Outbox<Callback>, 'add'>;
  readonly store: Pick<OutboxStore<Callback>, 'countOf' | 'getDurable' | 'remove'>;
  /** Callbacks of one developer that may wait. */
  readonly maxPerDeveloper: number;
  /** Called for each callback that is dropped before it is stored. */
  readonly onDropped?: () => void;
}

/** For each URL of a request: callbacks in one lane are sent one after the other, which keeps those of a message in order. */
const lanesForMessages = 4;

export function createDeveloperCallbacks(options: DeveloperCallbacksOptions): DeveloperCallbacks {
  const { outbox, store, maxPerDeveloper, onDropped } = options;

  const isFull = async (lane: string, urls: readonly string[]): Promise<boolean> =>
    (await store.countOf(lane)) >= Math.ceil(maxPerDeveloper / (lanesForMessages * urls.length));

  /** Leaves one that waits already as it is: another process may be sending it, and its attempts count. */
  const addOnce = async (id: string, callback: Callback, onFailure = async () => {}): Promise<void> => {
    if (await store.getDurable(id)) return;
    await outbox.add(id, callback).catch(async (error: unknown) => {
      await onFailure();
      throw error;
    });
  };
  // Perhaps only the replicas lack it: it would be sent, and once more when a review has stored it again.
  const removeUnconfirmed = (id: string): Promise<void> => store.remove(id).catch(() => {});

  const drop = (fields: object, log: Log, why: string): void => {
    log.error(fields, why);
    onDropped?.();
  };

  return {
    addResult: async ({ authId, uuid, ids, urls }, body, log) => {
      for (const [index, url] of urls.entries()) {
        const lane = laneOf(authId, index, uuid);
        try {
          if (await isFull(lane, urls)) drop({ authId }, log, 'a callback was dropped: too many wait');
          else await addOnce(idOf([authId, uuid, ids, 'result', index]), { url, body, lane });
        } catch (error) {
          drop({ authId, reason: messageOf(error) }, log, 'a callback was dropped');
        }
      }
    },
    addState: async (message, state) => {
      const { authId, id, callbacks: { urls = [] } = {} } = message;
      const callbacks = urls.map((url, index) => ({ url, lane: laneOf(authId, index, id) }));
      for (const { lane } of callbacks) if (await isFull(lane, urls)) return false;
      const body = JSON.stringify(stateEvent(message, state));
      for (const { url, lane } of callbacks) {
        const id = callbackId(message, state, url);
        await addOnce(id, { url, body, lane }, () => removeUnconfirmed(id));
      }
      return true;
    },
  };
}

function callbackId({ authId, uuid, id }: OutgoingMessage, state: MessageState, url: string): string {
  return idOf([authId, uuid, id, state, url]);
}

/** Lets a developer recognise a callback that is stored again after an interruption. */
function idOf(subject: readonly unknown[]): string {
  return sha256Hex(JSON.stringify(subject)).slice(0, 32);
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
 * @param subject callbacks about the same one are in order
 */
function laneOf(authId: string, urlIndex: number, subject: string): string {
  const lane = Number.parseInt(sha256Hex(subject).slice(0, 8), 16) % lanesForMessages;
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
