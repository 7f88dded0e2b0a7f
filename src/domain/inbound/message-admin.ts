// Administration of inbound messages: lists dead letters and waiting messages, traces one, retries and drops. Used by
// the gateway's operator routes.

import { SwobError } from '../../errors.ts';
import type { HistoryEvent, OutboxEntry } from '../shared/model.ts';
import type { Outbox } from '../shared/outbox-types.ts';
import type { CallHealth } from './call-health.ts';
import type { InboundSms, Receipt } from './model.ts';
import type { InboundStore } from './ports.ts';
import { refusalRemedies } from './refusal-remedies.ts';
import { type RefusalReason, type RefusedSms, type RefusedSmsLog, refusalReasons } from './refused-sms.ts';

/** A message without its text. */
export interface MessageView {
  readonly id: string;
  /**
   * `sending`: the Publisher has not responded yet; `outcome unknown`: dead-lettered, but it may have been published;
   * `refused`: never accepted.
   */
  readonly state: 'published' | 'waiting' | 'sending' | 'dead-lettered' | 'outcome unknown' | 'refused';
  readonly platform?: string;
  readonly msisdn?: string;
  /** Whether it goes to the RelaySMS Publisher; while it is in the outbox. */
  readonly relayed?: true;
  /** In a list: whether it waits for an earlier message of its sender. */
  readonly behind?: true;
  /** Attempts since it arrived or was last retried by an operator. */
  readonly attempts?: number;
  /** Time of the next attempt, Unix time in milliseconds. */
  readonly dueAt?: number;
  readonly history: readonly HistoryEvent[];
  /** Of a refused one: its reason, how often it was refused, and what an operator can do about it. */
  readonly reason?: RefusalReason;
  readonly times?: number;
  readonly remedy?: string;
}

interface MessageSummary {
  readonly waiting: number;
  readonly deadLetters: number;
  /** Arrival of the oldest waiting message among the last 200 due ones, Unix time in milliseconds. */
  readonly oldest?: number;
  readonly upstreams: readonly CallHealth[];
}

export interface MessageAdmin {
  /** Dead letters, the oldest first. */
  deadLetters(limit: number): Promise<MessageView[]>;
  /** Waiting messages in the order in which they are due. */
  waiting(limit: number): Promise<MessageView[]>;
  /** SMS that this process has refused recently, the newest first. @param since Unix time in milliseconds */
  refused(limit: number, since?: number): Promise<MessageView[]>;
  /** Throws NOT_FOUND for an unknown or expired message. */
  trace(id: string): Promise<MessageView>;
  /** Throws NOT_FOUND when it neither waits nor is a dead letter, CONFLICT while an attempt is running. */
  retry(id: string): Promise<void>;
  /** Retries the oldest dead letters, 500 at most; `left` is the number of the others. */
  retryOldest(): Promise<{ readonly retried: number; readonly left: number }>;
  /** The same for waiting messages: those whose next attempt is furthest away. */
  retryWaiting(): Promise<{ readonly retried: number; readonly left: number }>;
  counts(): Promise<{ readonly waiting: number; readonly deadLetters: number }>;
  /** Counts of messages, and the health of calls to the upstream systems. */
  summary(): Promise<MessageSummary>;
  /** Removes a dead letter. Throws NOT_FOUND when there is none. */
  drop(id: string): Promise<void>;
}

/** Bounds one request, as each retry is a durable write. */
const maxRetried = 500;
/** Waiting messages that are read to find the oldest. */
const maxScanned = 200;

export interface MessageAdminDeps {
  readonly store: Pick<InboundStore, 'inbound' | 'receipts'>;
  readonly outbox: Outbox<InboundSms>;
  readonly refusedSms: RefusedSmsLog;
  readonly health: () => readonly CallHealth[];
}

export function createMessageAdmin({ store, outbox, refusedSms, health }: MessageAdminDeps): MessageAdmin {
  const retryAll = async (entries: readonly OutboxEntry<InboundSms>[], all: number) => {
    let retried = 0;
    for (const { id } of entries) if ((await outbox.retry(id, 'operator')) === 'retried') retried++;
    return { retried, left: Math.max(0, all - entries.length) };
  };
  const retryOldest: MessageAdmin['retryOldest'] = async () => {
    const { deadLetters: failed } = await store.inbound.count();
    return retryAll(await store.inbound.deadLetters(maxRetried), failed);
  };
  const retryWaiting: MessageAdmin['retryWaiting'] = async () => {
    const due = await countDue();
    // The last ones: retried messages move to the front.
    return retryAll(await lastDue(maxRetried, due), due);
  };
  /** Messages that are not behind others of their sender, which they follow by themselves. */
  const countDue = async (): Promise<number> =>
    (await store.inbound.count()).waiting - (await store.inbound.countBehind());
  const lastDue = (limit: number, due: number): Promise<OutboxEntry<InboundSms>[]> =>
    store.inbound.waiting(Math.min(limit, due), Math.max(0, due - limit));
  const summary: MessageAdmin['summary'] = async () => {
    const counts = await store.inbound.count();
    // The oldest messages have the longest pauses, and so are due last.
    const last = await lastDue(maxScanned, await countDue());
    const oldest = last.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    return { ...counts, ...(last.length > 0 && { oldest }), upstreams: health() };
  };

  const find = async (id: string): Promise<MessageView | undefined> => {
    // The receipt first: an entry with a receipt is about to be removed.
    const receipt = await store.receipts.get(id);
    if (receipt?.partOf !== undefined && receipt.partOf !== id) return partView(id, receipt);
    if (receipt) return { id, state: 'published', history: receipt.history };
    const entry = await store.inbound.get(id);
    if (entry) return viewOf(entry);
    const refused = refusedSms.find(id);
    return refused && refusedView(refused);
  };
  /** A part of a longer SMS: what became of the whole. The refused ones are forgotten first. */
  const partView = async (id: string, { partOf = '', history }: Receipt): Promise<MessageView> => {
    const whole = await find(partOf);
    return {
      id,
      state: whole?.state ?? 'refused',
      history: [...history, ...(whole?.history ?? []).filter(({ at }) => at >= (history.at(-1)?.at ?? 0))],
    };
  };

  return {
    deadLetters: async (limit) => (await store.inbound.deadLetters(limit)).map(viewOf),
    waiting: async (limit) => {
      const firsts = new Set<string>();
      return (await store.inbound.waiting(limit)).map((entry) => {
        const { orderKey } = entry;
        // The first of each order key is listed before those behind it.
        const behind = orderKey !== undefined && firsts.has(orderKey);
        if (orderKey !== undefined) firsts.add(orderKey);
        return { ...viewOf(entry), ...(behind && { behind }) };
      });
    },
    refused: async (limit, since) => refusedSms.list(limit, since).map(refusedView),
    trace: async (id) => {
      const message = await find(id);
      if (message) return message;
      throw new SwobError('NOT_FOUND', `no message ${id}: it is unknown here, or has expired`);
    },
    retry: async (id) => {
      const outcome = await outbox.retry(id, 'operator');
      if (outcome === 'busy') throw new SwobError('CONFLICT', `message ${id} is being published just now`);
      if (outcome === 'unknown') throw notFound(id, 'that waits or was dead-lettered');
    },
    drop: async (id) => {
      if (!(await outbox.drop(id))) throw notFound(id, 'that was dead-lettered');
    },
    retryOldest,
    retryWaiting,
    counts: () => store.inbound.count(),
    summary,
  };
}

function notFound(id: string, which: string): SwobError {
  return new SwobError('NOT_FOUND', `no message ${id} ${which}`);
}

/** What operators see of an entry. */
export function viewOf(entry: OutboxEntry<InboundSms>): MessageView {
  const { id, content, dueAt, attempts, history } = entry;
  const { platform, msisdn, relayed } = content;
  return {
    id,
    state: stateOf(entry),
    platform,
    msisdn,
    ...(relayed && { relayed }),
    attempts,
    ...(dueAt !== null && { dueAt }),
    history,
  };
}

function stateOf({
  dueAt,
  attemptStartedAt,
  unknownOutcomes = 0,
}: OutboxEntry<InboundSms>): MessageView['state'] {
  if (dueAt === null) return unknownOutcomes > 0 ? 'outcome unknown' : 'dead-lettered';
  return attemptStartedAt === undefined ? 'waiting' : 'sending';
}

/** What operators see of a refused SMS. */
export function refusedView({ id, at, platform, msisdn, reason, times }: RefusedSms): MessageView {
  const again = times > 1 ? ` (${times} times)` : '';
  const history = [{ at, event: `refused${again}: ${refusalReasons[reason]}` }];
  return { id, state: 'refused', platform, msisdn, history, reason, times, remedy: refusalRemedies[reason] };
}
