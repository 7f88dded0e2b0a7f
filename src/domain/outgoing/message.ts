// What became of one outgoing SMS: its record, and which state may follow which. Used by the use cases of outgoing SMS, their
// routes, and the stores.

import type { OutgoingSms } from './model.ts';

/**
 * - `queued`: swob has it, or the broker; no phone has reported on it
 * - `sent`: a phone has sent all its parts
 * - `delivered`, `failed`: all parts were delivered, or one of them, or the SMS as a whole, failed
 * - `expired`: it was not sent, or not reported as delivered, while it was valid
 * - `cancelled`: by the developer or an operator, before the broker had it
 */
export const messageStates = ['queued', 'sent', 'delivered', 'failed', 'expired', 'cancelled'] as const;
export type MessageState = (typeof messageStates)[number];

/** How many messages are in each state. */
export type StateCounts = Readonly<Record<MessageState, number>>;

/** The form of ids of messages; those above 2,147,483,647 name none. */
export const messageIdPattern = '^[1-9][0-9]{0,9}$';

/** The states that can be reported to developers. */
export const callbackEvents = ['sent', 'delivered', 'failed', 'expired', 'cancelled'] as const;

/**
 * How far swob itself is:
 * - `pending`: it has not given the SMS to the broker
 * - `publishing`: it is about to
 * - `accepted`: the broker has it on disk, in the queue of a phone
 * - `unknown`: the broker may have it; it is never published again
 */
export const handovers = ['pending', 'publishing', 'accepted', 'unknown'] as const;
export type Handover = (typeof handovers)[number];

export const encodings = ['GSM-7', 'UCS-2'] as const;
export type Encoding = (typeof encodings)[number];

/** One SMS to one recipient, without its text. All times are Unix times in milliseconds. */
export interface OutgoingMessage {
  /** 1 to 2,147,483,647 in decimal digits, as phones report on it; unique among the messages that are kept. */
  readonly id: string;
  /** Of the request, unique to a developer only. */
  readonly uuid: string;
  /** Its position in the request, from 0. */
  readonly index: number;
  readonly authId: string;
  /** E.164, or as the developer wrote it when it is not a phone number. */
  readonly number: string;
  /** Empty when unknown. */
  readonly operatorName: string;
  readonly encoding: Encoding;
  /** Parts in which a phone sends it; 0 for a text that cannot be sent. */
  readonly parts: number;
  readonly state: MessageState;
  /** When it entered each state that it has had. */
  readonly times: Readonly<Partial<Record<MessageState, number>>> & { readonly queued: number };
  /** Why it failed, expired or was cancelled. */
  readonly reason?: string;
  readonly handover: Handover;
  /** Since when it is `publishing`, or was. */
  readonly publishingAt?: number;
  /** When the broker confirmed that it has the SMS. */
  readonly acceptedAt?: number;
  /** The routing key with which the broker took it. */
  readonly route?: string;
  /** The time that the developer chose for it to be sent. */
  readonly scheduledAt?: number;
  /** When it may be sent at the earliest, of an SMS that waits for its time, a rate limit or quiet hours. */
  readonly waitsUntil?: number;
  /** It must not be sent later. */
  readonly validUntil?: number;
  /** Numbers of the parts, from 1, that a phone has reported as sent or delivered. */
  readonly sentParts: readonly number[];
  readonly deliveredParts: readonly number[];
  /** Where changes of its state are reported, and which. */
  readonly callbacks?: { readonly urls: readonly string[]; readonly events: readonly MessageState[] };
  /** States whose callbacks are not stored yet, in order. */
  readonly unreported: readonly MessageState[];
  /** When it must be looked at again, such as when it expires; undefined when nothing is left to do. */
  readonly reviewAt?: number;
  /** Counts its changes. */
  readonly revision: number;
}

/** An SMS that waits in swob for its time, a rate limit, quiet hours, or the broker. */
export interface WaitingSms {
  /** Id of its `OutgoingMessage`. */
  readonly messageId: string;
  readonly sms: OutgoingSms;
  /** The time that the developer chose; undefined when it waits for others of its queue. */
  readonly scheduledAt?: number;
  /** When swob stops retrying, of one that the broker did not take; undefined before. */
  readonly retryUntil?: number;
}

/** What a phone reports; `part` counts from 1, and without it the report is about the whole SMS. */
export interface PhoneReport {
  readonly status: 'sent' | 'delivered' | 'failed';
  readonly part?: number;
  /** In how many parts the phone sends it. */
  readonly parts?: number;
  readonly reason?: string;
}

/** Parts of one SMS: its user data header has 8 bits for their number. */
export const maxParts = 255;

export function isFinal(state: MessageState): boolean {
  return state !== 'queued' && state !== 'sent';
}

/** Whether it can still be cancelled, because the broker does not have it. */
export function isPending({ state, handover }: Pick<OutgoingMessage, 'state' | 'handover'>): boolean {
  return state === 'queued' && handover === 'pending';
}

export function countStates(
  messages: Iterable<Pick<OutgoingMessage, 'state'>>,
): Record<MessageState, number> {
  const counts = { queued: 0, sent: 0, delivered: 0, failed: 0, expired: 0, cancelled: 0 };
  for (const { state } of messages) counts[state]++;
  return counts;
}

/** States never go back, and a final one is never left. */
function mayFollow(from: MessageState, to: MessageState): boolean {
  if (isFinal(from) || to === 'queued' || from === to) return false;
  return to !== 'cancelled' || from === 'queued';
}

/** The message in another state, or undefined when that may not follow. */
export function changeState(
  message: OutgoingMessage,
  to: MessageState,
  at: number,
  reason?: string,
): OutgoingMessage | undefined {
  if (!mayFollow(message.state, to)) return undefined;
  const isReported = message.callbacks?.events.includes(to) === true;
  return {
    ...message,
    state: to,
    times: { ...message.times, [to]: at },
    ...(reason !== undefined && { reason }),
    ...(isReported && { unreported: [...message.unreported, to] }),
  };
}

/**
 * The message after a phone's report; undefined when the report changes nothing: it is repeated, comes late, or would lead back.
 */
export function applyReport(
  message: OutgoingMessage,
  { status, part, parts = Math.max(message.parts, 1), reason }: PhoneReport,
  at: number,
): OutgoingMessage | undefined {
  // No phone can have what swob has not given to the broker: the report names the wrong message.
  if (isFinal(message.state) || message.handover === 'pending') return undefined;
  if (status === 'failed') return changeState(message, 'failed', at, reason ?? 'the phone could not send it');
  if (part === undefined) return changeState(message, status, at);
  const member = status === 'sent' ? 'sentParts' : 'deliveredParts';
  const isKnown = message[member].includes(part);
  const reported = isKnown ? message : { ...message, [member]: [...message[member], part] };
  const isComplete = (numbers: readonly number[]): boolean =>
    numbers.filter((number) => number <= parts).length >= parts;
  const next = isComplete(reported.deliveredParts)
    ? 'delivered'
    : isComplete(union(reported.sentParts, reported.deliveredParts))
      ? 'sent'
      : message.state;
  return changeState(reported, next, at) ?? (isKnown ? undefined : reported);
}

/** A delivered part was sent, even if the report of that was lost. */
function union(some: readonly number[], others: readonly number[]): number[] {
  return [...new Set([...some, ...others])];
}
