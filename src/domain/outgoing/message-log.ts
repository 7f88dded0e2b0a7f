// Records what became of each outgoing SMS: every change is durable, reported to the developer once, and made by one process.
// Reviews messages when their time has come, such as when they expire. Used by the use cases of outgoing SMS.

import { messageOf, SwobError } from '../../errors.ts';
import { createKeyedMutex, mapConcurrent } from '../../lib/concurrency.ts';
import type { Clock, Log } from '../shared/ports.ts';
import type { DeveloperCallbacks } from './developer-callbacks.ts';
import { notSentInTime } from './dispatch.ts';
import { changeState, isFinal, type OutgoingMessage } from './message.ts';
import type { OutgoingMessageStore } from './ports.ts';

/** A new message, without what the log decides; it gets another id if its own is taken. */
export type MessageDraft = Omit<OutgoingMessage, 'revision' | 'reviewAt'>;

/** Returns the message after the change, or undefined to leave it as it is. */
export type MessageChange = (message: OutgoingMessage, now: number) => OutgoingMessage | undefined;

interface KnownChange {
  /** The message as it probably still is. */
  readonly known: OutgoingMessage;
  readonly change: MessageChange;
}

export interface MessageLog {
  newId(): string;
  /** Adds new messages, and returns them in the same order with their ids. Throws UNAVAILABLE. */
  add(drafts: readonly MessageDraft[]): Promise<readonly OutgoingMessage[]>;
  /**
   * Makes a change, again if another process changed the message meanwhile. Undefined for an unknown message, or when `change`
   * returns undefined. Throws UNAVAILABLE.
   * @param known the message as it probably still is, so that it need not be read
   */
  change(id: string, change: MessageChange, known?: OutgoingMessage): Promise<OutgoingMessage | undefined>;
  /** Makes changes of different messages together, each as `change` does. Throws UNAVAILABLE. */
  changeAll(changes: readonly KnownChange[]): Promise<void>;
  /** Starts to review messages, also those of earlier processes. */
  start(): void;
  /** Starts no more reviews. */
  stop(): void;
  /** Resolves when no review and no report is running. */
  idle(): Promise<void>;
}

export interface MessageLogDeps {
  readonly store: OutgoingMessageStore;
  readonly callbacks: Pick<DeveloperCallbacks, 'addState'>;
  readonly clock: Clock;
  readonly log: Log;
  /** A new id: 1 to 2,147,483,647 in decimal digits. */
  readonly newId: () => string;
  /** How long after `validUntil` reports of phones may still arrive, in milliseconds. */
  readonly reportGraceMs: number;
  readonly onChange?: (message: OutgoingMessage) => void;
  /** Called when the state or the route of a message has changed, and its route is known. */
  readonly onRouted?: (message: OutgoingMessage) => void;
}

const reviewIntervalMs = 1_000;
const reviewBatch = 200;
const reviewConcurrency = 20;
/** Messages that others changed meanwhile, and that are changed one by one. */
const changeConcurrency = 100;
const maxBatches = 50;
/** No request takes longer to reach the broker: then its process was interrupted. */
const publishingTimeoutMs = 600_000;
/** Another process reports the states that one has not reported by then; the pause grows while the developer has no place. */
const reportTimeoutMs = 10_000;
const maxReportPauseMs = 600_000;
/** Messages whose states are being reported: those of two requests. */
const maxReporting = 2_000;
const maxAttempts = 20;

export function createMessageLog(deps: MessageLogDeps): MessageLog {
  const { store, callbacks, clock, log, newId, reportGraceMs } = deps;
  const reporting = new Map<string, Promise<void>>();
  let reviewing: Promise<void> | undefined;
  /** Whether reviews of the last batch have failed. */
  let isFailing = false;
  let stopReviews = (): void => {};

  const reviewAt = (message: OutgoingMessage, now: number): number | undefined => {
    if (message.unreported.length > 0) return now + reportPauseOf(message, now);
    if (isFinal(message.state)) return undefined;
    const times = [interruptionOf(message), expiryOf(message)].filter((time) => time !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  };
  const withReview = ({ reviewAt: _, ...message }: OutgoingMessage, now: number): OutgoingMessage => {
    const at = reviewAt(message, now);
    return { ...message, ...(at !== undefined && { reviewAt: at }) };
  };
  const expiryOf = ({ validUntil, handover }: OutgoingMessage): number | undefined =>
    validUntil === undefined ? undefined : handover === 'pending' ? validUntil : validUntil + reportGraceMs;

  const interruptionOf = ({ handover, publishingAt = 0 }: OutgoingMessage): number | undefined =>
    handover === 'publishing' ? publishingAt + publishingTimeoutMs : undefined;

  /** One after the other in this process: reports on the parts of an SMS come together. */
  const changes = createKeyedMutex();
  const change: MessageLog['change'] = (id, ...args) => changes.run(id, () => changeNow(id, ...args));
  const changeNow: MessageLog['change'] = async (id, makeChange, known) => {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const message = (attempt === 0 && known) || (await store.get(id));
      if (!message) return undefined;
      const next = successorOf(message, makeChange, clock.now());
      if (!next && message === known) continue;
      if (!next) return undefined;
      const [isReplaced] = await store.replaceAll([next]);
      if (!isReplaced) continue;
      onReplaced(message, next);
      return next;
    }
    throw new SwobError('UNAVAILABLE', `message ${id} is changed by others all the time`, { retryAfter: 1 });
  };
  const changeAllNow = async (list: readonly KnownChange[]): Promise<void> => {
    const now = clock.now();
    const tried = list.map((each) => ({ ...each, next: successorOf(each.known, each.change, now) }));
    const replaced = await store.replaceAll(tried.flatMap(({ next }) => next ?? []));
    let at = 0;
    const others = tried.filter(({ known, next }) => {
      if (!next || !replaced[at++]) return true;
      onReplaced(known, next);
      return false;
    });
    const changeOther = ({ known: { id }, change }: KnownChange) => changeNow(id, change);
    for await (const _ of mapConcurrent(others, changeConcurrency, changeOther));
  };
  const successorOf = (
    message: OutgoingMessage,
    makeChange: MessageChange,
    now: number,
  ): OutgoingMessage | undefined => {
    const changed = makeChange(message, now);
    return changed && withReview({ ...changed, revision: message.revision + 1 }, now);
  };
  const onReplaced = (before: OutgoingMessage, next: OutgoingMessage): void => {
    const isMoved = next.state !== before.state;
    if (isMoved) deps.onChange?.(next);
    // A phone may report before the broker confirms.
    if (next.route !== undefined && (isMoved || before.route === undefined)) deps.onRouted?.(next);
    // States that were unreported before are reported by the process that made that change, or by a review: two would do it twice.
    if (before.unreported.length === 0 && next.unreported.length > 0) report(next.id);
  };

  /** Stores the callbacks of states that are not reported yet, one run at a time for each message. */
  const report = (id: string): void => {
    // A review reports the others.
    if (reporting.has(id) || reporting.size >= maxReporting) return;
    const run = reportStates(id)
      .catch((error: unknown) => {
        // The next review tries again.
        log.warn({ id, reason: messageOf(error) }, 'callbacks of an outgoing SMS could not be stored yet');
      })
      .finally(() => reporting.delete(id));
    reporting.set(id, run);
  };
  const reportStates = async (id: string): Promise<void> => {
    for (let message = await store.get(id); message && message.unreported.length > 0; ) {
      const [state] = message.unreported;
      if (state === undefined || !(await callbacks.addState(message, state))) return;
      message = await change(id, (current) =>
        current.unreported[0] === state ? { ...current, unreported: current.unreported.slice(1) } : undefined,
      );
    }
  };

  const review = async (id: string): Promise<void> => {
    const changed = await change(id, (message, now) => {
      // Another process was faster.
      if (message.reviewAt === undefined || message.reviewAt > now) return undefined;
      const expiry = expiryOf(message);
      if (expiry !== undefined && now >= expiry) {
        const expired = changeState(message, 'expired', now, expiryReason(message));
        if (expired) return expired;
      }
      const interruption = interruptionOf(message);
      if (interruption !== undefined && now >= interruption) return outcomeUnknown(message, now);
      // Sets the time of the next review, so that other processes leave it alone meanwhile.
      return message;
    });
    if (!changed) return;
    if (changed.unreported.length > 0) report(id);
    await reporting.get(id);
  };
  const reviewDue = async (): Promise<void> => {
    for (let batch = 0; batch < maxBatches; batch++) {
      const ids = await store.due(clock.now(), reviewBatch);
      let failures = 0;
      const quietly = (id: string): Promise<void> =>
        review(id).catch((error: unknown) => {
          // One line for each outage, in which no review succeeds.
          const write = failures++ === 0 && !isFailing ? log.warn : log.debug;
          write({ id, reason: messageOf(error) }, 'an outgoing SMS could not be reviewed');
        });
      for await (const _ of mapConcurrent(ids, reviewConcurrency, quietly));
      isFailing = failures > 0;
      // Those that failed are due again, and would fail again.
      if (isFailing || ids.length < reviewBatch) return;
    }
  };
  const startReview = (): void => {
    reviewing ??= reviewDue()
      .catch((error: unknown) => {
        log.debug({ reason: messageOf(error) }, 'outgoing SMS cannot be reviewed now');
      })
      .finally(() => {
        reviewing = undefined;
      });
  };

  return {
    newId,
    add: async (drafts) => {
      const now = clock.now();
      const added: OutgoingMessage[] = drafts.map((draft) => withReview({ ...draft, revision: 0 }, now));
      let taken = await store.add(added);
      for (let attempt = 0; taken.length > 0; attempt++) {
        if (attempt === maxAttempts) throw new SwobError('UNAVAILABLE', 'no id is free for an outgoing SMS');
        const renamed = taken.map((message) => ({ ...message, id: newId() }));
        for (const [index, message] of taken.entries()) {
          added[added.indexOf(message)] = renamed[index] ?? message;
        }
        taken = await store.add(renamed);
      }
      for (const message of added) {
        if (message.state !== 'queued') deps.onChange?.(message);
        if (message.unreported.length > 0) report(message.id);
      }
      return added;
    },
    change,
    changeAll: (list) =>
      changes.runAll(
        list.map(({ known }) => known.id),
        () => changeAllNow(list),
      ),
    start: () => {
      stopReviews = clock.every(reviewIntervalMs, startReview);
    },
    stop: () => stopReviews(),
    idle: async () => {
      await reviewing;
      await Promise.all(reporting.values());
    },
  };
}

function expiryReason({ state, handover }: OutgoingMessage): string {
  if (state === 'sent') return 'the phone sent it, and nothing reported its delivery while it was valid';
  if (handover === 'pending') return notSentInTime;
  return 'no phone reported that it was sent while it was valid';
}

function reportPauseOf({ times, state }: OutgoingMessage, now: number): number {
  const waitedMs = now - (times[state] ?? now);
  return Math.min(maxReportPauseMs, Math.max(reportTimeoutMs, waitedMs / 4));
}

/** The broker has the SMS. */
export function acceptedBy(route: string | undefined): MessageChange {
  return (message, now) => ({
    ...message,
    handover: 'accepted',
    acceptedAt: now,
    ...(route !== undefined && { route }),
  });
}

/** The broker does not have the SMS, and does not get it. */
export function notTaken(state: 'failed' | 'expired', reason: string | undefined): MessageChange {
  return (message, now) => changeState({ ...message, handover: 'pending' }, state, now, reason);
}

/** The broker may have the SMS: publishing it was interrupted, or not confirmed. */
export const outcomeUnknown: MessageChange = (message) =>
  message.handover === 'publishing' ? { ...message, handover: 'unknown' } : undefined;
