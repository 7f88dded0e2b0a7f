// SMS that wait in swob before the broker gets them: for the time that the developer chose, a rate limit, quiet hours, or the
// broker itself. Used by sending.ts.

import { createOutbox } from '../shared/outbox.ts';
import type { AttemptOutcome, OutboxOptions, Postponed } from '../shared/outbox-types.ts';
import { sendAll } from './dispatch.ts';
import { changeState, type WaitingSms } from './message.ts';
import { accepted, type MessageChange, type MessageLog, outcomeUnknown } from './message-log.ts';
import type { OutgoingSms } from './model.ts';
import { type Pacing, paceKey } from './pacing.ts';
import type { Broker } from './ports.ts';

type Options = OutboxOptions<WaitingSms>;

export interface WaitingQueueDeps
  extends Pick<Options, 'store' | 'clock' | 'log' | 'random' | 'pollIntervalMs'> {
  readonly broker: Broker;
  readonly messages: Pick<MessageLog, 'change'>;
  readonly pacing: Pacing | undefined;
}

export interface WaitingQueue {
  /** Keeps an SMS until a time that the developer chose. Throws UNAVAILABLE. */
  schedule(messageId: string, sms: OutgoingSms, at: number): Promise<void>;
  /** Keeps an SMS behind the others of its queue. Throws UNAVAILABLE. */
  append(messageId: string, sms: OutgoingSms): Promise<void>;
  /** SMS that wait in the queue of this one. */
  countBefore(sms: OutgoingSms): Promise<number>;
  /** Forgets an SMS that was cancelled. */
  remove(messageId: string): Promise<void>;
  start(): void;
  stop(): void;
  idle(): Promise<void>;
}

/** The latest time that a developer may choose, from now. */
export const maxScheduleMs = 31 * 86_400_000;
/** So long an SMS waits for a broker that does not take it, from when it could be sent. */
const maxOutageMs = 86_400_000;
const maxBackoffMs = 60_000;
const concurrency = 16;

export function createWaitingQueue(deps: WaitingQueueDeps): WaitingQueue {
  const { store, broker, messages, pacing, clock } = deps;

  const deliver = async (waiting: WaitingSms): Promise<AttemptOutcome<WaitingSms> | Postponed> => {
    const { messageId: id, sms, scheduledAt, givenUpAt } = waiting;
    const now = clock.now();
    if (scheduledAt !== undefined) {
      // Also after the clock was set back.
      if (scheduledAt > now) return { kind: 'postponed', pauseMs: scheduledAt - now };
      await append(id, sms);
      return delivered;
    }
    const admission = await pacing?.admit(sms);
    if (admission?.kind === 'wait') {
      const { until } = admission;
      await messages.change(id, (message) => ({ ...message, waitsUntil: until }));
      return { kind: 'postponed', pauseMs: Math.max(1, until - now) };
    }
    // Recorded before it is published, so that it never is twice.
    if (!(await messages.change(id, beginPublishing))) {
      await messages.change(id, outcomeUnknown);
      return delivered;
    }
    const [outcome] = await sendAll({ broker, beforeBatch: async () => {} }, [{ sms, fault: undefined }]);
    const { kind = 'not sent', failure = 'not sent' } = outcome ?? {};
    if (kind === 'sent') await messages.change(id, accepted);
    else if (kind === 'unconfirmed') await messages.change(id, outcomeUnknown);
    else if (outcome?.mayRetry === true && now < givenUpAt) {
      await messages.change(id, (message) => ({ ...message, handover: 'pending' }));
      return { kind: 'retry', reason: failure };
    } else await messages.change(id, (message, at) => changeState(message, 'failed', at, failure));
    return delivered;
  };
  const outbox = createOutbox<WaitingSms>({
    ...deps,
    name: 'waiting SMS',
    orderKeyOf: ({ sms, scheduledAt }) => (scheduledAt === undefined ? paceKey(sms) : undefined),
    concurrency,
    maxBackoffMs,
    maxRequestedPauseMs: maxScheduleMs,
    // Its delivery ends by `givenUpAt`, which its message records.
    maxAgeMs: Number.POSITIVE_INFINITY,
    deadLetterTtlMs: 0,
    deliver: ({ content }) => deliver(content),
  });
  const append: WaitingQueue['append'] = (messageId, sms) =>
    outbox.add(messageId, { messageId, sms, givenUpAt: clock.now() + maxOutageMs });

  return {
    schedule: (messageId, sms, at) => {
      const waiting = { messageId, sms, scheduledAt: at, givenUpAt: at + maxOutageMs };
      return outbox.add(scheduledId(messageId), waiting, [], Math.max(0, at - clock.now()));
    },
    append,
    countBefore: (sms) => store.countOf(paceKey(sms)),
    remove: async (messageId) => {
      for (const id of [scheduledId(messageId), messageId]) await store.remove(id);
    },
    start: outbox.start,
    stop: outbox.stop,
    idle: outbox.idle,
  };
}

const delivered = { kind: 'delivered' } as const;

/** An SMS whose time has come gets an entry of its own, behind the others of its queue. */
function scheduledId(messageId: string): string {
  return `${messageId}-scheduled`;
}

/** Undefined for one that was cancelled, has expired, or was being published when its process died. */
const beginPublishing: MessageChange = (message, now) =>
  message.state === 'queued' && message.handover === 'pending'
    ? { ...message, handover: 'publishing', publishingAt: now }
    : undefined;
