// What the owner of the store and a client send each other, as JSON, and how the calls or answers of one turn of the event loop
// become one message: a message costs as much as a dozen calls. Used by call-client.ts, call-server.ts and channel-hub.ts.

import { StoreFullError } from '../../domain/shared/store-full-error.ts';
import { isErrorCode, messageOf, SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { maxMessageWeight } from './bounds.ts';
import type { Peer } from './interface.ts';

/** A call: its id, or `noticeId`, its name such as `sessions.open`, its arguments without undefined ones at the end. */
export type CallItem = readonly [id: number, name: string, args: readonly unknown[]];

/**
 * What the owner sends:
 * - `[id]` and `[id, 0, value]`: the result of a call, undefined without a value
 * - `[id, 1, error]`: the error of a call
 * - `[id, 2, members]`: a part of a list that is too long for one message; the result has the last part
 * - `[-1, channel, text]`: a message of a channel
 * - `[-2]`: messages of channels were lost
 */
export type OwnerItem =
  | readonly [id: number]
  | readonly [id: number, kind: 0, value: unknown]
  | readonly [id: number, kind: 1, error: WireError]
  | readonly [id: number, kind: 2, members: readonly unknown[]]
  | readonly [id: -1, channel: string, text: string];

/** Of a call without an answer. */
export const noticeId = 0;
export const channelItem = -1;
export const lostItem = -2;

export interface MessageBatch<Item> {
  /** Sends the item with the others of this turn. */
  add(item: Item, weight: number): void;
  /** Sends an item that nobody waits for with the next one, or after a few milliseconds; in the same order. */
  addDeferred(item: Item, weight: number): void;
  /** Characters that are queued or have not been taken by the channel. */
  readonly unsent: number;
}

export function createMessageBatch<Item>(peer: Peer): MessageBatch<Item> {
  let items: Item[] = [];
  let weight = 0;
  let sending = 0;
  let isScheduled = false;
  let isScheduledLater = false;

  const flush = (): void => {
    if (items.length === 0) return;
    const sent = weight;
    const message = items;
    items = [];
    weight = 0;
    sending += sent;
    peer.send(message, () => {
      sending -= sent;
    });
  };

  const push = (item: Item, its: number): void => {
    if (weight + its > maxMessageWeight) flush();
    items.push(item);
    weight += its;
  };

  return {
    addDeferred: (item, its) => {
      push(item, its);
      if (isScheduledLater) return;
      isScheduledLater = true;
      peer.later(() => {
        isScheduledLater = false;
        flush();
      });
    },
    add: (item, its) => {
      push(item, its);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        flush();
      });
    },
    get unsent() {
      return weight + sending;
    },
  };
}

/** An error of the store, whose kind decides what its caller does. */
interface WireError {
  /** Undefined for an error that is not a SwobError. */
  readonly code?: string;
  readonly isFull?: true;
  readonly message: string;
  readonly publicMessage?: string;
  readonly retryAfter?: number;
}

export function toWireError(error: unknown): WireError {
  if (!(error instanceof SwobError)) return { message: messageOf(error) };
  const { code, message, publicMessage, retryAfter } = error;
  return {
    code,
    message,
    ...(error instanceof StoreFullError && { isFull: true }),
    ...(publicMessage !== message && { publicMessage }),
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

export function fromWireError(error: unknown): Error {
  if (!isObject(error)) return new SwobError('INTERNAL', 'the owner of the store has sent a malformed error');
  const { code, isFull, retryAfter } = error;
  const message = String(error.message);
  if (!isErrorCode(code)) return new Error(message);
  const options = {
    publicMessage: typeof error.publicMessage === 'string' ? error.publicMessage : message,
    ...(typeof retryAfter === 'number' && { retryAfter }),
  };
  return isFull === true ? new StoreFullError(message, options) : new SwobError(code, message, options);
}
