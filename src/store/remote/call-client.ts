// Sends the calls of a client to the owner of the store, and resolves them with its answers. Used by client.ts.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { maxCallWeight, maxPendingCalls, maxPendingWeight, tooManyCallsError } from './bounds.ts';
import type { Peer } from './interface.ts';
import {
  type CallItem,
  channelItem,
  createMessageBatch,
  fromWireError,
  lostItem,
  noticeId,
} from './messages.ts';
import { weightOf } from './weight.ts';

export interface CallClientDeps {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly log: Log;
  /** A message of a channel to which this client has subscribed. */
  readonly onChannelMessage: (channel: string, text: string) => void;
  /** Messages of channels were lost. */
  readonly onLost: () => void;
}

export interface CallClient {
  /**
   * Calls the owner. Throws what the store throws there, and UNAVAILABLE when the owner is away or does not answer.
   * @param onLate called with a result that arrives after this has failed
   */
  call(name: string, args: readonly unknown[], onLate?: (result: unknown) => void): Promise<unknown>;
  /** Calls the owner without an answer. Rejects when the owner is away, or does not read. */
  notify(name: string, args: readonly unknown[]): Promise<void>;
}

interface PendingCall {
  readonly name: string;
  readonly weight: number;
  /** When it was made, or when the owner last sent a part of its result; by the monotonic clock. */
  since: number;
  parts: unknown[] | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onLate: ((result: unknown) => void) | undefined;
}

/** A disk that hangs longer than this is an outage. */
const timeoutMs = 30_000;
const checkEveryMs = 1_000;
/** Calls without an answer whose late result matters. */
const maxLate = 10_000;

export function createCallClient(deps: CallClientDeps): CallClient {
  const { peer, clock, log } = deps;
  const batch = createMessageBatch<CallItem>(peer);
  /** In the order of their calls. */
  const pending = new Map<number, PendingCall>();
  const late = new Map<number, (result: unknown) => void>();
  let lastId = 0;
  let pendingWeight = 0;
  let isAway = false;

  const take = (id: number): PendingCall | undefined => {
    const found = pending.get(id);
    if (!found) return undefined;
    pending.delete(id);
    pendingWeight -= found.weight;
    return found;
  };

  const timeOut = (id: number, { name, onLate, reject }: PendingCall): void => {
    take(id);
    if (onLate && late.size < maxLate) late.set(id, onLate);
    reject(unansweredError(name));
  };
  const stopChecking = clock.every(checkEveryMs, () => {
    const oldest = clock.monotonic() - timeoutMs;
    for (const [id, call] of pending) if (call.since <= oldest) timeOut(id, call);
  });

  const receive = (item: unknown): void => {
    if (!Array.isArray(item)) return malformed();
    const [id, kind, value]: readonly unknown[] = item;
    if (typeof id !== 'number') return malformed();
    if (id === channelItem) return deps.onChannelMessage(String(kind), String(value));
    if (id === lostItem) return deps.onLost();
    const call = pending.get(id);
    if (!call) return receiveLate(id, kind, value);
    if (kind === 2 && Array.isArray(value)) {
      call.since = clock.monotonic();
      call.parts ??= [];
      for (const each of value) call.parts.push(each);
      return;
    }
    take(id);
    if (kind === 1) call.reject(fromWireError(value));
    else call.resolve(call.parts && Array.isArray(value) ? [...call.parts, ...value] : value);
  };
  const receiveLate = (id: number, kind: unknown, value: unknown): void => {
    const onLate = late.get(id);
    late.delete(id);
    if (kind !== 1) onLate?.(value);
  };
  const malformed = (): void => log.error({}, 'ignored a malformed message of the owner of the store');

  peer.onMessage((message) => {
    for (const item of Array.isArray(message) ? message : [message]) receive(item);
  });
  peer.onClose(() => {
    isAway = true;
    stopChecking();
    late.clear();
    for (const [id, { reject }] of pending) {
      take(id);
      reject(awayError());
    }
  });

  return {
    notify: async (name, args) => {
      if (isAway) throw awayError();
      const weight = weightOf(args, maxCallWeight);
      if (weight > maxCallWeight) throw largeCallError(name);
      if (batch.unsent + weight > maxPendingWeight) throw tooManyCallsError();
      batch.addDeferred([noticeId, name, args], weight);
    },
    call: (name, args, onLate) => {
      if (isAway) return Promise.reject(awayError());
      const sent = withoutTrailingUndefined(args);
      const weight = weightOf(sent, maxCallWeight);
      if (weight > maxCallWeight) return Promise.reject(largeCallError(name));
      // Calls that have timed out are not pending, and may still wait to be sent.
      const kept = Math.max(pendingWeight, batch.unsent);
      if (pending.size >= maxPendingCalls || kept + weight > maxPendingWeight) {
        return Promise.reject(tooManyCallsError());
      }
      pendingWeight += weight;
      const id = ++lastId;
      batch.add([id, name, sent], weight);
      return new Promise((resolve, reject) => {
        const since = clock.monotonic();
        pending.set(id, { name, weight, since, parts: undefined, resolve, reject, onLate });
      });
    },
  };
}

/** JSON has no undefined: an argument that is left out stays so. */
function withoutTrailingUndefined(args: readonly unknown[]): readonly unknown[] {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  return length === args.length ? args : args.slice(0, length);
}

function awayError(): SwobError {
  return new SwobError('UNAVAILABLE', 'the process that has the store open has ended; try again', {
    retryAfter: 1,
  });
}

function unansweredError(name: string): SwobError {
  const seconds = timeoutMs / 1_000;
  const message = `the process that has the store open has not answered ${name} for ${seconds} s; try again`;
  return new SwobError('UNAVAILABLE', message, { retryAfter: 1 });
}

function largeCallError(name: string): SwobError {
  const message = `the arguments of ${name} have more than ${maxCallWeight} characters, which is the maximum of one call; pass less`;
  return new SwobError('INTERNAL', message);
}
