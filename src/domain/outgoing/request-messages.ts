// The messages of one request: made once, however often the request is repeated, and shown in its response. Used by sending.ts.

import { mapConcurrent } from '../../lib/concurrency.ts';
import type { AddressedSms } from './addressing.ts';
import type { Dispatched, Sendable } from './dispatch.ts';
import type { MessageState, OutgoingMessage } from './message.ts';
import {
  acceptedBy,
  type MessageChange,
  type MessageDraft,
  type MessageLog,
  notTaken,
  outcomeUnknown,
} from './message-log.ts';
import type { Wait } from './pacing.ts';
import type { OutgoingMessageStore } from './ports.ts';

/** An SMS of a request, with its message; `isKept` when it waits, or an earlier attempt of the request has sent it. */
export interface RequestItem extends AddressedSms, Sendable {
  readonly message: OutgoingMessage;
  /** Undefined when it does not wait. */
  readonly wait: Wait | undefined;
}

/** What the messages of a request have in common. */
interface RequestFacts {
  readonly authId: string;
  readonly uuid: string;
  readonly urls: readonly string[];
  readonly events: readonly MessageState[];
  readonly scheduledAt?: number | undefined;
  readonly validUntil?: number | undefined;
}

interface Planned {
  readonly addressed: AddressedSms;
  /** Its position in the request. */
  readonly index: number;
  /** Of its message. */
  readonly id: string;
  /** Whether an earlier attempt may have made it. */
  readonly isKnown: boolean;
  readonly wait: Wait | undefined;
}

export interface RequestMessages {
  newId(): string;
  /** The messages with these ids, in this order; undefined for one that is no longer kept. */
  find(ids: readonly string[]): Promise<readonly (OutgoingMessage | undefined)[]>;
  /** Stores new messages, but for those that an earlier attempt has made. Throws UNAVAILABLE. */
  create(list: readonly Planned[], request: RequestFacts): Promise<readonly RequestItem[]>;
  /** Records what the broker did with them, and the ids of those that were interrupted. Throws UNAVAILABLE. */
  settle(outcomes: readonly Dispatched<RequestItem>[], interrupted: readonly string[]): Promise<void>;
  /** Forgets the messages of an attempt that has sent nothing, and may be repeated. */
  forget(items: readonly RequestItem[]): Promise<void>;
}

const concurrency = 100;

export function createRequestMessages(
  log: Pick<MessageLog, 'add' | 'change' | 'changeAll' | 'newId'>,
  store: Pick<OutgoingMessageStore, 'getAll' | 'remove'>,
  now: () => number,
): RequestMessages {
  const find: RequestMessages['find'] = (ids) => store.getAll(ids);

  return {
    find,
    newId: log.newId,
    create: async (list, request) => {
      const isNew = list.every(({ isKnown }) => !isKnown);
      const earlier = isNew ? list.map(() => undefined) : await find(list.map(({ id }) => id));
      // One that has failed meanwhile, such as by expiry, gets a new message.
      const reused = earlier.map((message) =>
        message?.authId === request.authId &&
        message.uuid === request.uuid &&
        (message.state === 'queued' || isHandedOver(message))
          ? message
          : undefined,
      );
      const added = await log.add(
        list.filter((_, index) => !reused[index]).map((each) => draftOf(each, request, now())),
      );
      let next = 0;
      return list.flatMap(({ addressed, wait }, index) => {
        const message = reused[index] ?? added[next++];
        if (!message) return [];
        const { validUntil } = message;
        const sms = {
          ...addressed.sms,
          messageId: message.id,
          ...(validUntil !== undefined && { validUntil }),
        };
        if (isHandedOver(message)) return [{ ...addressed, sms, message, wait: undefined, isKept: true }];
        // It may be in the queue of those that wait already, and is not sent beside that.
        const isWaiting = reused[index] && message.waitsUntil !== undefined;
        const known = isWaiting ? waitOf(message, now()) : undefined;
        const chosen = wait ?? known;
        return [{ ...addressed, sms, message, wait: chosen, isKept: chosen !== undefined }];
      });
    },
    settle: async (outcomes, interrupted) => {
      for await (const _ of mapConcurrent(interrupted, concurrency, (id) => log.change(id, outcomeUnknown)));
      await log.changeAll(
        outcomes.flatMap((outcome) => {
          const change = changeOf(outcome);
          return change ? [{ known: outcome.item.message, change }] : [];
        }),
      );
    },
    forget: (items) => store.remove(items.map(({ message }) => message.id)),
  };
}

function draftOf({ addressed, index, id, wait }: Planned, request: RequestFacts, now: number): MessageDraft {
  const { authId, uuid, urls, events, scheduledAt, validUntil } = request;
  const { number, operatorName } = addressed.sms;
  return {
    id,
    uuid,
    index,
    authId,
    number,
    operatorName,
    encoding: addressed.encoding,
    parts: addressed.parts,
    state: 'queued',
    times: { queued: now },
    ...(wait
      ? { handover: 'pending', waitsUntil: wait.until }
      : { handover: 'publishing', publishingAt: now }),
    ...(scheduledAt !== undefined && { scheduledAt }),
    ...(validUntil !== undefined && { validUntil }),
    sentParts: [],
    deliveredParts: [],
    ...(urls.length > 0 && events.length > 0 && { callbacks: { urls, events } }),
    unreported: [],
  };
}

/** Of a message that an earlier attempt has kept: its entry gets the same id again. */
function waitOf({ scheduledAt }: OutgoingMessage, now: number): Wait {
  return scheduledAt === undefined ? { until: now, why: 'rate' } : { until: scheduledAt, why: 'schedule' };
}

/**
 * Whether the broker has the message, or may have it. One that never waited was not published, although its outcome is unknown:
 * a request records its progress before each batch, and no batch with this recipient has begun.
 */
function isHandedOver(message: OutgoingMessage | undefined): boolean {
  if (message?.handover === 'accepted') return true;
  return message?.handover === 'unknown' && message.waitsUntil !== undefined;
}

/** What an outcome changes; undefined for a message that is kept. */
function changeOf({ kind, route, failure }: Dispatched): MessageChange | undefined {
  switch (kind) {
    case 'kept':
      return undefined;
    case 'sent':
      return acceptedBy(route);
    case 'unconfirmed':
      return outcomeUnknown;
    default:
      return notTaken(kind === 'expired' ? 'expired' : 'failed', failure);
  }
}
