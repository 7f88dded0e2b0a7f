// What the stores of outgoing messages have in common: the order of their lists and of their eviction, and how long a message
// is kept.

import { isFinal, type OutgoingMessage } from '../domain/outgoing/message.ts';
import { matchesFilters } from '../domain/outgoing/message-filters.ts';
import type { MessageFilters, MessagePage } from '../domain/outgoing/ports.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

/** When a store is full, it evicts the oldest message of the first of these that it has. */
export const evictionRanks = ['final', 'published', 'pending'] as const;
export type EvictionRank = (typeof evictionRanks)[number];

export function rankOf({ state, handover }: OutgoingMessage): EvictionRank {
  if (isFinal(state)) return 'final';
  return handover === 'pending' ? 'pending' : 'published';
}

/** An SMS may wait longer than was planned, such as for the broker, or behind others that wait for it. */
const maxOverdueMs = 31 * 86_400_000;

/**
 * For how long a message is kept from `times.queued` on. One that waits has the whole time to live after that, so that it does not
 * expire before it is sent.
 */
export function lifetimeOf(message: OutgoingMessage, ttlMs: number): number {
  const { times, state, handover, scheduledAt = 0, waitsUntil = 0, publishingAt = 0 } = message;
  const waited = Math.max(times.queued, scheduledAt, waitsUntil, publishingAt);
  const overdueMs = rankOf(message) === 'pending' ? maxOverdueMs : 0;
  const ended = handover === 'pending' ? (times[state] ?? 0) : 0;
  return ttlMs + Math.max(waited + overdueMs, ended) - times.queued;
}

/** Lists are in the order of these texts: by time, and by id within a millisecond. */
export function positionOf({ times, id }: Pick<OutgoingMessage, 'times' | 'id'>): string {
  return `${digits(times.queued)}-${id}`;
}

export function parsePosition(
  position: string,
): { readonly queued: number; readonly id: string } | undefined {
  const [, queued, id] = /^(\d{16})-(\d+)$/.exec(position) ?? [];
  return queued !== undefined && id !== undefined ? { queued: Number(queued), id } : undefined;
}

/** As many digits for every time, so that text sorts as numbers do. */
export function digits(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(16, '0');
}

const pageSize = 200;
/** Messages that one call of `list` reads, about 3 MB. */
const maxRead = 10_000;

/** @param readPage reads all messages before a position, the newest first, without filters */
export async function listMessages(
  readPage: (before: string | undefined, limit: number) => MaybePromise<MessagePage>,
  filters: MessageFilters,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Promise<MessagePage> {
  const messages: OutgoingMessage[] = [];
  let last = before;
  const withNext = (): MessagePage => ({ messages, ...(last !== undefined && { next: last }) });
  for (let read = 0; read < maxRead; read += pageSize) {
    const page = await readPage(last, pageSize);
    for (const message of page.messages) {
      if (message.times.queued < (filters.since ?? 0)) return { messages };
      if (messages.length === limit) return withNext();
      if (matchesFilters(message, filters)) messages.push(message);
      last = positionOf(message);
    }
    if (page.next === undefined) return { messages };
    last = page.next;
  }
  return withNext();
}
