// SMS that wait in swob before the broker gets them: for the time that the developer chose, a rate limit, quiet hours, or the
// broker itself. Used by sending.ts.

import { messageOf } from '../../errors.ts';
import type { OutboxEntry } from '../shared/model.ts';
import { createOutbox } from '../shared/outbox.ts';
import type { AttemptOutcome, OutboxOptions, Postponed } from '../shared/outbox-types.ts';
import { sendAll } from './dispatch.ts';
import { isPending, type OutgoingMessage, type WaitingSms } from './message.ts';
import { acceptedBy, type MessageChange, type MessageLog, notTaken, outcomeUnknown } from './message-log.ts';
import type { OutgoingSms } from './model.ts';
import { type Pacing, paceKey } from './pacing.ts';
import type { Broker } from './ports.ts';
import { createRepeatedChanges } from './repeated-changes.ts';

type Options = OutboxOptions<WaitingSms>;

export interface WaitingQueueDeps
  extends Pick<Options, 'store' | 'clock' | 'log' | 'random' | 'pollIntervalMs'> {
  readonly broker: Broker;
  readonly messages: Pick<MessageLog, 'change'>;
  readonly pacing: Pacing | undefined;
  /** SMS of one developer that may wait. */
  readonly maxPerDeveloper: number;
}

export interface WaitingQueue {
  /** Keeps an SMS until a time that the developer chose. Throws UNAVAILABLE. */
  schedule(messageId: string, sms: OutgoingSms, at: number): Promise<void>;
  /** Keeps an SMS behind the others of its queue. Throws UNAVAILABLE. */
  append(messageId: string, sms: OutgoingSms): Promise<void>;
  /** SMS that wait in the queue of this one. */
  countBefore(sms: OutgoingSms): Promise<number>;
  /**
   * Places for SMS of a developer, who cannot have more than the developer's share; `wanted` or fewer are granted. They are to be
   * released when their SMS have been kept. Throws UNAVAILABLE.
   */
  reserve(authId: string, wanted: number): Promise<{ readonly granted: number; release(): void }>;
  /** The longest time that the first SMS of a queue which this process paces has waited, in milliseconds. */
  oldestWaitMs(): number;
  /** Forgets an SMS that was cancelled. */
  remove(messageId: string): Promise<void>;
  start(): void;
  stop(): void;
  idle(): Promise<void>;
}

/** The latest time that a developer may choose, from now. */
export const maxScheduleMs = 31 * 86_400_000;
/** How long an SMS waits for a broker that does not take it, from the first attempt on. */
const maxOutageMs = 86_400_000;
/** The first SMS of a queue is tried at least so often, because limits and clocks can be changed. */
const maxPacePauseMs = 300_000;
const maxBackoffMs = 60_000;
const concurrency = 16;
/** Further queues are paced, and left out of `oldestWaitMs`. */
const maxHeads = 10_000;

export function createWaitingQueue(deps: WaitingQueueDeps): WaitingQueue {
  const { store, broker, messages, pacing, maxPerDeveloper, clock, log } = deps;
  const outcomes = createRepeatedChanges(deps);
  const reserved = new Map<string, number>();
  /** By pace key, the first SMS of a queue, when it has to wait: since when it waits, and when it was last tried. */
  const heads = new Map<string, { readonly since: number; readonly triedAt: number }>();

  const addReserved = (authId: string, by: number): void => {
    const count = (reserved.get(authId) ?? 0) + by;
    if (count > 0) reserved.set(authId, count);
    else reserved.delete(authId);
  };

  const deliver = async ({
    content: waiting,
    since,
  }: OutboxEntry<WaitingSms>): Promise<AttemptOutcome<WaitingSms> | Postponed> => {
    const { messageId: id, sms, scheduledAt } = waiting;
    const now = clock.now();
    if (scheduledAt !== undefined) {
      // Also after the clock was set back, when a longer pause would count as one that is over.
      const pauseMs = Math.min(scheduledAt - now, maxScheduleMs);
      if (pauseMs > 0) return { kind: 'postponed', pauseMs };
      await append(id, sms);
      return delivered;
    }
    const admission = await pacing?.admit(sms);
    heads.delete(paceKey(sms));
    if (admission?.kind === 'wait') {
      const { until } = admission;
      if (heads.size < maxHeads) heads.set(paceKey(sms), { since, triedAt: now });
      await messages.change(id, (message) => waitUntil(message, until));
      return { kind: 'postponed', pauseMs: Math.min(maxPacePauseMs, Math.max(1, until - now)) };
    }
    // Recorded before it is published, so that it never is twice.
    const begun = await begin(id, sms);
    if (!begun) {
      // It was cancelled, has expired, or its attempt was interrupted, which had counted it already.
      await refund(sms);
      await outcomes.change(id, outcomeUnknown);
      return delivered;
    }
    const [outcome] = await sendAll({ broker, beforeBatch: async () => {} }, [{ sms, fault: undefined }]);
    if (outcome?.kind === 'sent') {
      await outcomes.change(id, acceptedBy(outcome.route));
      return delivered;
    }
    if (!outcome || outcome.kind === 'unconfirmed') {
      await outcomes.change(id, outcomeUnknown);
      return delivered;
    }
    const { retryUntil = now + maxOutageMs } = waiting;
    const { mayRetry = false, failure = 'not sent' } = outcome;
    const isRetried = mayRetry && now < retryUntil;
    const state = outcome.kind === 'expired' ? 'expired' : 'failed';
    await outcomes.change(id, isRetried ? undoOf(begun) : notTaken(state, failure));
    await refund(sms);
    return isRetried ? { kind: 'retry', reason: failure, content: { ...waiting, retryUntil } } : delivered;
  };

  const refund = async (sms: OutgoingSms): Promise<void> => {
    await pacing?.refund(sms).catch((error: unknown) => {
      // The state of the SMS matters more than a count, which ends with its window.
      log.warn({ reason: messageOf(error) }, 'limits count an SMS that was not sent');
    });
  };

  const begin = async (id: string, sms: OutgoingSms): Promise<OutgoingMessage | undefined> => {
    let begun: OutgoingMessage | undefined;
    let isKept = false;
    const note: MessageChange = (message, now) => {
      isKept = true;
      begun = beginPublishing(message, now);
      return begun;
    };
    try {
      const message = await messages.change(id, note);
      if (!isKept) log.error({ id }, 'an outgoing SMS that waited is dropped: its state is no longer kept');
      return message;
    } catch (error) {
      // The store may have the change nevertheless: the next attempt would take this one for interrupted, and never send the SMS.
      if (begun) await outcomes.change(id, undoOf(begun)).catch(() => {});
      await refund(sms);
      throw error;
    }
  };

  const outbox = createOutbox<WaitingSms>({
    ...deps,
    name: 'waiting SMS',
    // That of a scheduled one is its own, and begins with the developer, by whom entries are counted.
    orderKeyOf: ({ messageId, sms, scheduledAt }) =>
      scheduledAt === undefined ? paceKey(sms) : `${sms.authId} scheduled ${messageId}`,
    concurrency,
    maxBackoffMs,
    maxRequestedPauseMs: maxScheduleMs,
    // Its delivery ends by `retryUntil`.
    maxAgeMs: Number.POSITIVE_INFINITY,
    deadLetterTtlMs: 0,
    deliver,
  });
  const append: WaitingQueue['append'] = (messageId, sms) => outbox.add(messageId, { messageId, sms });

  return {
    schedule: (messageId, sms, at) => {
      const waiting = { messageId, sms, scheduledAt: at };
      return outbox.add(scheduledId(messageId), waiting, [], Math.max(0, at - clock.now()));
    },
    append,
    countBefore: (sms) => store.countOf(paceKey(sms)),
    reserve: async (authId, wanted) => {
      const used = await store.countOfGroup(authId);
      const free = maxPerDeveloper - used - (reserved.get(authId) ?? 0);
      const granted = Math.max(0, Math.min(wanted, free));
      addReserved(authId, granted);
      return { granted, release: () => addReserved(authId, -granted) };
    },
    oldestWaitMs: () => {
      const now = clock.now();
      // One that was not tried for so long is paced by another process now.
      for (const [key, { triedAt }] of heads) if (now - triedAt > 2 * maxPacePauseMs) heads.delete(key);
      return Math.max(0, ...[...heads.values()].map(({ since }) => now - since));
    },
    remove: async (messageId) => {
      for (const id of [scheduledId(messageId), messageId]) await store.remove(id);
    },
    start: outbox.start,
    stop: () => {
      outbox.stop();
      outcomes.stop();
    },
    idle: outbox.idle,
  };
}

const delivered = { kind: 'delivered' } as const;

/** Limits count whole seconds, so that a new answer differs a little: that is not worth a write. */
const waitToleranceMs = 2_000;

function waitUntil(message: OutgoingMessage, until: number): OutgoingMessage | undefined {
  const { waitsUntil = 0 } = message;
  return Math.abs(until - waitsUntil) < waitToleranceMs ? undefined : { ...message, waitsUntil: until };
}

/** An SMS whose time has come gets an entry of its own, behind the others of its queue. */
function scheduledId(messageId: string): string {
  return `${messageId}-scheduled`;
}

/** Undefined for one that was cancelled, has expired, or was being published when its process died. */
const beginPublishing: MessageChange = (message, now) =>
  isPending(message) ? { ...message, handover: 'publishing', publishingAt: now } : undefined;

/** Only of this beginning, as another process may have begun since then. */
const undoOf =
  (begun: OutgoingMessage): MessageChange =>
  (message) =>
    message.handover === 'publishing' && message.publishingAt === begun.publishingAt
      ? { ...message, handover: 'pending' }
      : undefined;
