// Outgoing messages in memory, within their bounds. Used by the memory store, and by the lowdb store, which writes every change
// to disk.

import { countStates, type MessageState, type OutgoingMessage } from '../../domain/outgoing/message.ts';
import type { MessagePage, OutgoingMessageStore } from '../../domain/outgoing/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { indexIn, insertSorted, removeSorted } from '../../lib/sorted-list.ts';
import type { TtlBounds } from '../options.ts';
import {
  type EvictionRank,
  evictionRanks,
  lifetimeOf,
  listMessages,
  parsePosition,
  positionOf,
  rankOf,
} from '../outgoing-messages.ts';
import { decodeMessage, encodeMessage } from './message-text.ts';

/** A message in the index. */
interface HeldMessage {
  readonly id: string;
  text: string;
  readonly queued: number;
  /** Of the message in its request. */
  readonly index: number;
  /** By the monotonic clock, so that a wrong wall clock deletes nothing. */
  expiresAt: number;
  reviewAt: number | undefined;
  /** Of the message, which need not be decoded for them. */
  revision: number;
  state: MessageState;
  rank: EvictionRank;
  /** The file that holds it, for the lowdb store. */
  segment: number | undefined;
}

export interface MessageIndex
  extends Pick<OutgoingMessageStore, 'ofRequest' | 'list' | 'due' | 'nextReviewAt' | 'count'> {
  get(id: string): OutgoingMessage | undefined;
  /** The entry of a message that has not expired. */
  entry(id: string): HeldMessage | undefined;
  /** Adds or replaces a message, and evicts others above the maximum. @returns the ids of those */
  put(message: OutgoingMessage, segment?: number): string[];
  /** Adds or replaces a message, and evicts none before `evict` is called. */
  load(message: OutgoingMessage, segment: number): void;
  /** Evicts messages above the maximum. @returns their ids */
  evict(): string[];
  remove(id: string): void;
  /** In no particular order; includes a few that have expired. */
  all(): Iterable<HeldMessage>;
}

/** Every change removes up to this many expired messages, so that they never accumulate. */
const purgedPerCall = 100;

export function createMessageIndex(
  clock: Pick<Clock, 'now' | 'monotonic'>,
  { ttlMs, max }: TtlBounds,
): MessageIndex {
  const held = new Map<string, HeldMessage>();
  /** Most requests have one message, and an array of one would take 60 bytes. */
  const byRequest = new Map<string, HeldMessage | HeldMessage[]>();
  /** Oldest first. */
  const ranks = { final: [] as HeldMessage[], published: [] as HeldMessage[], pending: [] as HeldMessage[] };
  const reviews: HeldMessage[] = [];
  const expiries: HeldMessage[] = [];
  const counts = countStates([]);
  const isKept = ({ expiresAt }: HeldMessage): boolean => expiresAt > clock.monotonic();
  /** Only wall time is known of an earlier run; a time in the future counts as now. */
  const expiryOf = (message: OutgoingMessage): number =>
    clock.monotonic() - Math.max(0, clock.now() - message.times.queued) + lifetimeOf(message, ttlMs);
  /** Only waiting changes it, which also an SMS does that the broker has refused. */
  const expiryAfter = ({ rank, expiresAt }: HeldMessage, next: OutgoingMessage): number => {
    if (rankOf(next) === 'pending') return Math.max(expiresAt, expiryOf(next));
    return rank === 'pending' ? Math.max(clock.monotonic() + ttlMs, expiryOf(next)) : expiresAt;
  };

  /** Everything that changes with a message; its request and time of arrival never do. */
  const link = (entry: HeldMessage, message: OutgoingMessage, expiresAt: number): void => {
    entry.text = encodeMessage(message);
    entry.expiresAt = expiresAt;
    entry.reviewAt = message.reviewAt;
    entry.revision = message.revision;
    entry.state = message.state;
    entry.rank = rankOf(message);
    insertSorted(ranks[entry.rank], entry, byArrival);
    insertSorted(expiries, entry, byExpiry);
    if (entry.reviewAt !== undefined) insertSorted(reviews, entry, byReview);
    counts[message.state]++;
  };
  const unlink = (entry: HeldMessage): void => {
    removeSorted(ranks[entry.rank], entry, byArrival);
    removeSorted(expiries, entry, byExpiry);
    if (entry.reviewAt !== undefined) removeSorted(reviews, entry, byReview);
    counts[entry.state]--;
  };
  const remove = (entry: HeldMessage): void => {
    const message = parse(entry);
    unlink(entry);
    held.delete(entry.id);
    const key = requestKey(message.authId, message.uuid);
    const others = byRequest.get(key);
    if (Array.isArray(others) && others.length > 1) removeSorted(others, entry, byPlaceInRequest);
    else byRequest.delete(key);
  };
  const purge = (): void => {
    for (let left = purgedPerCall; left > 0; left--) {
      const [first] = expiries;
      if (!first || isKept(first)) return;
      remove(first);
    }
  };
  const evict = (): string[] => {
    const evicted: string[] = [];
    while (held.size > max) {
      const oldest = evictionRanks.map((rank) => ranks[rank][0]).find((entry) => entry !== undefined);
      if (!oldest) break;
      remove(oldest);
      evicted.push(oldest.id);
    }
    return evicted;
  };
  const add = (message: OutgoingMessage, segment: number | undefined): void => {
    const { id, index, reviewAt, authId, uuid, revision, state } = message;
    const rank = rankOf(message);
    const { queued } = message.times;
    const expiresAt = expiryOf(message);
    const entry: HeldMessage = {
      id,
      text: '',
      queued,
      index,
      expiresAt,
      reviewAt,
      ...{ revision, state, rank },
      segment,
    };
    held.set(id, entry);
    const key = requestKey(authId, uuid);
    const others = byRequest.get(key);
    if (Array.isArray(others)) insertSorted(others, entry, byPlaceInRequest);
    else byRequest.set(key, others ? [others, entry].sort(byPlaceInRequest) : entry);
    link(entry, message, expiresAt);
  };

  const kept = (id: string): HeldMessage | undefined => {
    const entry = held.get(id);
    return entry && isKept(entry) ? entry : undefined;
  };
  const write = (
    message: OutgoingMessage,
    segment: number | undefined,
    expiryNow: (known: HeldMessage, next: OutgoingMessage) => number,
  ): void => {
    purge();
    const known = kept(message.id);
    if (known) {
      const expiresAt = expiryNow(known, message);
      unlink(known);
      known.segment = segment;
      link(known, message, expiresAt);
      return;
    }
    const expired = held.get(message.id);
    if (expired) remove(expired);
    add(message, segment);
  };
  const readPage = (before: string | undefined, limit: number): MessagePage => {
    const messages: OutgoingMessage[] = [];
    const place = before === undefined ? undefined : parsePosition(before);
    if (before !== undefined && !place) return { messages };
    const lists = evictionRanks.map((rank) => ranks[rank]);
    const ends = lists.map((list) =>
      place ? indexIn(list, (entry) => byArrival(entry, place) < 0) : list.length,
    );
    while (messages.length < limit) {
      const heads = lists.map((list, rank) => list[(ends[rank] ?? 0) - 1]);
      const newest = heads.reduce((a, b) => (!a || (b && byArrival(b, a) > 0) ? b : a), undefined);
      if (!newest) return { messages };
      const rank = heads.indexOf(newest);
      ends[rank] = (ends[rank] ?? 0) - 1;
      if (isKept(newest)) messages.push(parse(newest));
    }
    const last = messages.at(-1);
    return { messages, ...(last && { next: positionOf(last) }) };
  };

  return {
    get: (id) => {
      const entry = kept(id);
      return entry && parse(entry);
    },
    entry: kept,
    put: (message, segment) => {
      write(message, segment, expiryAfter);
      return evict();
    },
    load: (message, segment) => write(message, segment, () => expiryOf(message)),
    evict,
    remove: (id) => {
      const entry = held.get(id);
      if (entry) remove(entry);
    },
    all: () => held.values(),
    ofRequest: async (authId, uuid, limit) => {
      const found = byRequest.get(requestKey(authId, uuid)) ?? [];
      return [found].flat().filter(isKept).slice(0, Math.max(0, limit)).map(parse);
    },
    list: (filters, page) => listMessages(readPage, filters, page),
    due: async (now, limit) => {
      purge();
      const ids: string[] = [];
      for (const entry of reviews) {
        if (ids.length >= limit || (entry.reviewAt ?? 0) > now) break;
        // An expired one may be behind another that is kept for longer, and so not be purged yet.
        if (isKept(entry)) ids.push(entry.id);
      }
      return ids;
    },
    nextReviewAt: async () => {
      purge();
      return reviews.find(isKept)?.reviewAt;
    },
    count: async () => {
      purge();
      return { ...counts };
    },
  };
}

function parse({ text }: HeldMessage): OutgoingMessage {
  return decodeMessage(text);
}

function requestKey(authId: string, uuid: string): string {
  return `${authId.length} ${authId}${uuid}`;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

type Place = Pick<HeldMessage, 'queued' | 'id'>;

function byArrival(a: Place, b: Place): number {
  return a.queued - b.queued || byText(a.id, b.id);
}

function byPlaceInRequest(a: HeldMessage, b: HeldMessage): number {
  return a.queued - b.queued || a.index - b.index || byText(a.id, b.id);
}

function byReview(a: HeldMessage, b: HeldMessage): number {
  return (a.reviewAt ?? 0) - (b.reviewAt ?? 0) || byText(a.id, b.id);
}

function byExpiry(a: HeldMessage, b: HeldMessage): number {
  return a.expiresAt - b.expiresAt || byText(a.id, b.id);
}
