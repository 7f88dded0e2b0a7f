// Runs the calls of one client at the owner of the store, and answers them. Used by owner.ts.

import type { Log } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { storeClosedError } from '../errors.ts';
import {
  maxPartWeight,
  maxPendingCalls,
  maxResultWeight,
  maxUnsentWeight,
  tooManyCallsError,
} from './bounds.ts';
import type { Peer } from './interface.ts';
import {
  type CallItem,
  createMessageBatch,
  type MessageBatch,
  noticeId,
  type OwnerItem,
  toWireError,
} from './messages.ts';
import { weightOf } from './weight.ts';

/** By the names of calls. */
export type CallTable = ReadonlyMap<string, ServedCall>;

export interface ServedCall {
  /** Its arguments are not checked, because a client is the same program. */
  run(...args: readonly unknown[]): unknown;
  /** Takes back what it gave to the client, which does not get this result. */
  readonly undo?: ((args: readonly unknown[], result: unknown) => void) | undefined;
  /** Whether nobody waits for its answer, so that it may share the message of another one. */
  readonly isDeferred: boolean;
}

export interface CallServer {
  readonly batch: MessageBatch<OwnerItem>;
  /** Resolves when no more than this many calls are running. */
  idle(most: number): Promise<void>;
  /** Refuses new calls; running ones are still answered. */
  stop(): void;
}

export function serveCalls(peer: Peer, calls: CallTable, log: Log): CallServer {
  const batch = createMessageBatch<OwnerItem>(peer);
  let running = 0;
  let isStopped = false;
  let waiting: { readonly most: number; readonly resolve: () => void } | undefined;

  const end = (): void => {
    running--;
    if (waiting && running <= waiting.most) waiting.resolve();
  };
  const fail = (id: number, error: unknown): void => {
    const wire = toWireError(error);
    if (id === noticeId) log.warn({ reason: wire.message }, 'a call without an answer has failed');
    else batch.add([id, 1, wire], weightOf(wire));
    end();
  };

  const succeed = ([id, name, args]: CallItem, value: unknown): void => {
    if (id === noticeId) return end();
    const weight = weightOf(value, maxPartWeight);
    if (batch.unsent + weight > maxUnsentWeight) {
      calls.get(name)?.undo?.(args, value);
      return fail(id, unreadError(name));
    }
    if (weight > maxPartWeight) {
      if (Array.isArray(value)) return void sendParts(id, value).then(end);
      if (weightOf(value, maxResultWeight) > maxResultWeight) return fail(id, largeResultError(name));
    }
    const item: OwnerItem = value === undefined ? [id] : [id, 0, value];
    if (calls.get(name)?.isDeferred) batch.addDeferred(item, weight);
    else batch.add(item, weight);
    end();
  };

  /** One part after the other, so that the answers of other calls and clients are not held up. */
  const sendParts = async (id: number, list: readonly unknown[]): Promise<void> => {
    let part: unknown[] = [];
    let weight = 0;
    for (const each of list) {
      part.push(each);
      weight += weightOf(each, maxPartWeight);
      if (weight < maxPartWeight) continue;
      const item: OwnerItem = [id, 2, part];
      await new Promise<void>((resolve) => peer.send([item], resolve));
      await nextTurn();
      part = [];
      weight = 0;
    }
    batch.add([id, 0, part], weight);
  };

  const run = (item: CallItem): void => {
    const [id, name, args] = item;
    const call = calls.get(name);
    running++;
    if (isStopped) return fail(id, storeClosedError());
    if (!call) return fail(id, new SwobError('INTERNAL', `the owner of the store has no call ${name}`));
    if (running > maxPendingCalls) return fail(id, tooManyCallsError());
    let result: unknown;
    try {
      result = call.run(...args);
    } catch (error) {
      return fail(id, error);
    }
    if (!(result instanceof Promise)) return succeed(item, result);
    result.then(
      (value: unknown) => succeed(item, value),
      (error: unknown) => fail(id, error),
    );
  };

  peer.onMessage((message) => {
    for (const item of Array.isArray(message) ? message : [message]) {
      if (isCall(item)) run(item);
      else log.error({}, 'ignored a malformed message of a process that uses the store');
    }
  });

  return {
    batch,
    idle: async (most) => {
      if (running > most) await new Promise<void>((resolve) => (waiting = { most, resolve }));
    },
    stop: () => {
      isStopped = true;
    },
  };
}

function isCall(item: unknown): item is CallItem {
  return (
    Array.isArray(item) && Number.isInteger(item[0]) && typeof item[1] === 'string' && Array.isArray(item[2])
  );
}

function unreadError(name: string): SwobError {
  const message = `this process has left too many answers unread to get that of ${name}; try again`;
  return new SwobError('UNAVAILABLE', message, { retryAfter: 1 });
}

function largeResultError(name: string): SwobError {
  return new SwobError(
    'INTERNAL',
    `the result of ${name} has more than ${maxResultWeight} characters, which is the maximum of one call; ask for less`,
  );
}
