// Outgoing messages as operators look at many of them: requests with their progress, and today's counts by operator. Reads a
// bounded number of messages. Used by the console and the monitor.

import { nextTurn } from '../../lib/next-turn.ts';
import { midnightBefore } from '../shared/daily.ts';
import type { Clock } from '../shared/ports.ts';
import { countStates, isPending, type OutgoingMessage, type StateCounts } from './message.ts';
import { matchesFilters } from './message-filters.ts';
import type { MessageFilters, OutgoingMessageStore } from './ports.ts';

/** The messages to which a developer has given one uuid. */
export interface RequestProgress {
  readonly authId: string;
  readonly uuid: string;
  /** When its first message was queued, Unix time in milliseconds. */
  readonly at: number;
  readonly states: StateCounts;
  /** Messages that can still be cancelled. */
  readonly pending: number;
}

interface RequestPage {
  /** The newest first. */
  readonly requests: readonly RequestProgress[];
  /** Where the next page begins; it may be there although this one is empty. */
  readonly next?: string;
}

export interface Today {
  /** Midnight UTC, Unix time in milliseconds. */
  readonly since: number;
  readonly states: StateCounts;
  /** The busiest first. */
  readonly operators: readonly { readonly operator: string; readonly states: StateCounts }[];
  /** How many messages were counted, the latest ones, if there are more of today; undefined when it is all. */
  readonly latest?: number;
  /** Messages of developers whose phones report, which a phone has had for too long without a report. */
  readonly overdue: { readonly count: number; readonly minutes: number };
}

export interface MessageOverview {
  /** As it was a few seconds ago. Throws UNAVAILABLE. */
  today(): Promise<Today>;
  /** Requests that have a message with the given values. Throws UNAVAILABLE. @param before `next` of the page before */
  requests(filters: MessageFilters, before?: string): Promise<RequestPage>;
  /** Undefined when there are no messages of it. Throws UNAVAILABLE. */
  request(authId: string, uuid: string): Promise<RequestDetails | undefined>;
}

interface RequestDetails extends RequestProgress {
  /** In the order of the recipients. */
  readonly messages: readonly OutgoingMessage[];
}

const readTogether = 500;
/** Messages that one call reads, about 5 MB. */
const maxRead = 5_000;
const requestsPerPage = 50;
/** Recipients of one request, and of a few more with the same uuid. */
const maxOfRequest = 5_000;
const todayTtlMs = 10_000;
const maxOperators = 200;
const overdueMinutes = 10;

export function createMessageOverview(
  store: Pick<OutgoingMessageStore, 'list' | 'ofRequest'>,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): MessageOverview {
  let latest: { readonly today: Promise<Today>; readonly readAt: number } | undefined;

  const request: MessageOverview['request'] = async (authId, uuid) => {
    const messages = await store.ofRequest(authId, uuid, maxOfRequest);
    const [progress] = progressOf(messages);
    return progress && { ...progress, messages };
  };
  /** Reads on from `start` until there are enough messages; `before` is where the next call continues. */
  const readWhile = async (
    filters: Pick<MessageFilters, 'authId' | 'since'>,
    start: string | undefined,
    isNotEnough: (messages: readonly OutgoingMessage[]) => boolean,
  ) => {
    const messages: OutgoingMessage[] = [];
    let before = start;
    do {
      const page = await store.list(filters, {
        limit: readTogether,
        ...(before !== undefined && { before }),
      });
      messages.push(...page.messages);
      before = page.next;
      // A store in memory would read all of them in one turn of the event loop.
      await nextTurn();
    } while (before !== undefined && messages.length < maxRead && isNotEnough(messages));
    return { messages, before };
  };
  const readToday = async (): Promise<Today> => {
    const now = clock.now();
    const since = midnightBefore(now);
    const { messages, before } = await readWhile({ since }, undefined, () => true);
    return {
      since,
      states: countStates(messages),
      operators: byOperator(messages),
      ...(before !== undefined && { latest: messages.length }),
      overdue: { count: countOverdue(messages, now), minutes: overdueMinutes },
    };
  };

  return {
    request,
    today: () => {
      const now = clock.monotonic();
      if (!latest || now - latest.readAt >= todayTtlMs) {
        const reading = { today: readToday(), readAt: now };
        latest = reading;
        reading.today.catch(() => {
          if (latest === reading) latest = undefined;
        });
      }
      return latest.today;
    },
    requests: async ({ authId, since, ...wanted }, start) => {
      const filters = { ...(authId !== undefined && { authId }), ...(since !== undefined && { since }) };
      const { messages, before } = await readWhile(
        filters,
        start,
        (read) => countRequests(read) < requestsPerPage,
      );
      const matching = new Set(messages.filter((message) => matchesFilters(message, wanted)).map(keyOf));
      const found = progressOf(messages);
      // The first and the last one may have messages on other pages.
      const cut = [
        start === undefined ? undefined : found[0],
        before === undefined ? undefined : found.at(-1),
      ];
      const requests = await Promise.all(
        found
          .filter((each) => matching.has(keyOf(each)))
          .map(async (each) => {
            const whole = cut.includes(each) ? await request(each.authId, each.uuid) : undefined;
            if (!whole) return each;
            const { messages: _, ...progress } = whole;
            return progress;
          }),
      );
      return { requests, ...(before !== undefined && { next: before }) };
    },
  };
}

function keyOf({ authId, uuid }: Pick<OutgoingMessage, 'authId' | 'uuid'>): string {
  return JSON.stringify([authId, uuid]);
}

function countRequests(messages: readonly OutgoingMessage[]): number {
  return new Set(messages.map(keyOf)).size;
}

/** In the order of their first message in the list. */
function progressOf(messages: readonly OutgoingMessage[]): RequestProgress[] {
  return [...groupBy(messages, keyOf).values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { authId, uuid } = first;
    return {
      authId,
      uuid,
      at: group.reduce((at, { times }) => Math.min(at, times.queued), first.times.queued),
      states: countStates(group),
      pending: group.filter(isPending).length,
    };
  });
}

function byOperator(messages: readonly OutgoingMessage[]): Today['operators'] {
  return [...groupBy(messages, ({ operatorName }) => operatorName)]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, maxOperators)
    .map(([operator, group]) => ({ operator, states: countStates(group) }));
}

/** A phone that never reports leaves all its messages queued, which says nothing about them. */
function countOverdue(messages: readonly OutgoingMessage[], now: number): number {
  const reporting = new Set(messages.filter(isReported).map(({ authId }) => authId));
  const latestAt = now - overdueMinutes * 60_000;
  return messages.filter(
    ({ state, handover, acceptedAt = now, authId }) =>
      state === 'queued' && handover === 'accepted' && acceptedAt <= latestAt && reporting.has(authId),
  ).length;
}

function isReported({ times, sentParts, deliveredParts }: OutgoingMessage): boolean {
  return (
    times.sent !== undefined ||
    times.delivered !== undefined ||
    sentParts.length > 0 ||
    deliveredParts.length > 0
  );
}

function groupBy<T>(list: readonly T[], nameOf: (each: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const name = nameOf(each);
    const group = groups.get(name);
    if (group) group.push(each);
    else groups.set(name, [each]);
  }
  return groups;
}
