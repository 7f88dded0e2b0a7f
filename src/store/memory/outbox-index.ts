// Keeps entries ordered by when they are due, by their age and within their order keys. The outboxes of the memory and
// lowdb stores look up their entries in it.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import { indexIn } from '../../lib/sorted-list.ts';
import { createEntryOrder } from './entry-order.ts';

export type EntryTimes = Pick<OutboxEntry<unknown>, 'id' | 'since' | 'dueAt' | 'orderKey' | 'sequence'>;

/** A process that claims entries. */
export interface Claimant {
  /** It claims nothing more. */
  isGone: boolean;
}

export interface OutboxIndex {
  has(id: string): boolean;
  isDeadLetter(id: string): boolean;
  isClaimed(id: string, by: Claimant): boolean;
  /** The entry as it is to be stored: with its sequence while it waits with an order key, otherwise without. */
  sequenced<E extends EntryTimes>(entry: E): E;
  /** Whether an entry with this order key waits. */
  isWaitingFor(orderKey: string | undefined): boolean;
  /** Ids of the waiting entries of an order key, in their order. */
  idsOf(orderKey: string, limit: number): string[];
  countOf(orderKey: string): number;
  countOfGroup(word: string): number;
  /** Adds the entry, or moves it to the position of its current times. */
  set(entry: EntryTimes): void;
  delete(id: string): void;
  /**
   * Claims up to `limit` entries that are due at `now`, earliest first; they are not due again until set, postponed
   * or released.
   */
  claim(now: number, limit: number, by: Claimant): string[];
  /** Adds or moves the entry as a claimed one; as a waiting one when the claimant is gone meanwhile. */
  hold(entry: EntryTimes, by: Claimant): void;
  /** Sets when an entry that it has claimed is due again. */
  putOff(id: string, until: number, by: Claimant): void;
  /** Ends all claims of a claimant that is gone: their entries are due as before. */
  release(by: Claimant): void;
  /** Of the entries that can be claimed. */
  nextDue(): number | undefined;
  /** Ids of the dead-lettered entries after the first `offset`, oldest `since` first. */
  failed(limit: number, offset?: number): string[];
  /**
   * Ids of the waiting entries after the first `offset`: claimed ones first, then by due time, then those behind others.
   */
  waitingIds(limit: number, offset?: number): string[];
  /** As a later index can be made of them: those of the record. */
  timesOf(id: string): EntryTimes | undefined;
  /** Includes the claimed entries. */
  readonly waiting: number;
  /** Behind others of their order key. */
  readonly behind: number;
  readonly deadLetters: number;
}

/** The sort key: `at` first; the other members make the order the same after every start. */
interface Place {
  readonly at: number;
  readonly since: number;
  readonly id: string;
  /** Of an entry that was put off, which is not recorded: when it was due before. */
  readonly recordDueAt?: number;
}

/** Adding and removing cost a binary search and moving pointers; everything else reads the start of a list. */
export function createOutboxIndex(entries: readonly EntryTimes[] = []): OutboxIndex {
  const waiting: Place[] = [];
  /** Entries behind others of their order key. */
  const followers: Place[] = [];
  const deadLetters: Place[] = [];
  /** Claimed entries are in no list. */
  const held = new Map<string, { readonly list?: Place[]; readonly place: Place }>();
  const claimed = new Map<string, Claimant>();
  const order = createEntryOrder();
  /** The entry of each order key that is claimed or can be; the first one, except while another one is claimed. */
  const heads = new Map<string, string>();

  const insert = (list: Place[], place: Place): void => {
    const last = list.at(-1);
    if (last === undefined || compare(last, place) < 0) list.push(place);
    else list.splice(positionIn(list, place), 0, place);
    held.set(place.id, { list, place });
  };
  const takeOut = (id: string): Place | undefined => {
    const slot = held.get(id);
    if (!slot) return undefined;
    held.delete(id);
    if (slot.list) slot.list.splice(positionIn(slot.list, slot.place), 1);
    else claimed.delete(id);
    return slot.place;
  };
  const move = (id: string, list: Place[]): void => {
    const place = takeOut(id);
    if (place) insert(list, place);
  };
  /** Makes the first entry of a key due, and no other. */
  const elect = (orderKey: string): void => {
    const head = heads.get(orderKey);
    const first = order.first(orderKey);
    if (head === first || (head !== undefined && claimed.has(head))) return;
    if (head !== undefined) move(head, followers);
    heads.delete(orderKey);
    if (first === undefined) return;
    heads.set(orderKey, first);
    move(first, waiting);
  };
  const leaveOrder = (id: string): void => {
    const orderKey = order.keyOf(id);
    if (orderKey === undefined) return;
    order.leave(id);
    if (heads.get(orderKey) === id) heads.delete(orderKey);
    elect(orderKey);
  };
  /** @returns whether the entry is behind another one of its order key */
  const joinOrder = ({ id, dueAt, orderKey, sequence }: EntryTimes): boolean => {
    const isOrdered = dueAt !== null && orderKey !== undefined;
    if (order.keyOf(id) !== (isOrdered ? orderKey : undefined)) leaveOrder(id);
    if (!isOrdered) return false;
    order.join(id, orderKey, order.sequenceOf(id, sequence));
    const head = heads.get(orderKey) ?? id;
    heads.set(orderKey, head);
    return head !== id;
  };

  const set = (entry: EntryTimes): void => {
    const { id, since, dueAt, orderKey } = entry;
    takeOut(id);
    const isBehind = joinOrder(entry);
    if (dueAt === null) insert(deadLetters, { at: since, since, id });
    else if (isBehind) insert(followers, { at: Math.min(since, dueAt), since, id });
    else insert(waiting, { at: dueAt, since, id });
    if (dueAt !== null && orderKey !== undefined) elect(orderKey);
  };

  /** Makes a claimed entry due at `at`, its earlier time by default. */
  const unclaim = (id: string, at?: number): void => {
    const orderKey = order.keyOf(id);
    const place = takeOut(id);
    if (place && at !== undefined)
      insert(waiting, { ...place, at, recordDueAt: place.recordDueAt ?? place.at });
    else if (place) insert(waiting, place);
    if (orderKey !== undefined) elect(orderKey);
  };

  // Sorted first, so that each one is added at the end of its list or of its order key.
  for (const entry of entries.toSorted((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0) || compareTimes(a, b)))
    set(entry);

  return {
    has: (id) => held.has(id),
    isDeadLetter: (id) => held.get(id)?.list === deadLetters,
    isClaimed: (id, by) => claimed.get(id) === by,
    sequenced: (entry) => {
      const { sequence, ...rest } = entry;
      const isOrdered = entry.dueAt !== null && entry.orderKey !== undefined;
      if (isOrdered) return { ...entry, sequence: order.sequenceOf(entry.id, sequence) };
      // Safe cast: `sequence` is optional.
      return sequence === undefined ? entry : (rest as typeof entry);
    },
    isWaitingFor: (orderKey) => orderKey !== undefined && heads.has(orderKey),
    idsOf: order.ids,
    countOf: order.count,
    countOfGroup: order.countOfGroup,
    set,
    hold: (entry, by) => {
      const { id, since, dueAt } = entry;
      takeOut(id);
      joinOrder(entry);
      held.set(id, { place: { at: dueAt ?? since, since, id } });
      claimed.set(id, by);
      if (by.isGone) unclaim(id);
    },
    delete: (id) => {
      takeOut(id);
      leaveOrder(id);
    },
    claim: (now, limit, by) => {
      if (by.isGone) return [];
      const later = waiting.findIndex(({ at }, index) => at > now || index >= limit);
      const taken = waiting.splice(0, later < 0 ? waiting.length : later);
      for (const place of taken) {
        held.set(place.id, { place });
        claimed.set(place.id, by);
      }
      return taken.map(({ id }) => id);
    },
    putOff: (id, until, by) => {
      if (claimed.get(id) === by) unclaim(id, until);
    },
    release: (by) => {
      by.isGone = true;
      for (const [id, claimant] of [...claimed]) if (claimant === by) unclaim(id);
    },
    nextDue: () => waiting[0]?.at,
    failed: (limit, offset = 0) => deadLetters.slice(offset, offset + Math.max(0, limit)).map(({ id }) => id),
    waitingIds: (limit, offset = 0) => {
      const end = offset + Math.max(0, limit);
      const rest = (list: readonly Place[], before: number) =>
        list.slice(Math.max(0, offset - before), Math.max(0, end - before)).map(({ id }) => id);
      const due = rest(waiting, claimed.size);
      return [
        ...[...claimed.keys()].slice(offset, end),
        ...due,
        ...rest(followers, claimed.size + waiting.length),
      ];
    },
    timesOf: (id) => {
      const slot = held.get(id);
      if (!slot) return undefined;
      const { list, place } = slot;
      const dueAt = list === deadLetters ? null : (place.recordDueAt ?? place.at);
      const orderKey = order.keyOf(id);
      const position = orderKey !== undefined && { orderKey, sequence: order.sequenceOf(id, undefined) };
      return { id, since: place.since, dueAt, ...position };
    },
    get waiting() {
      return waiting.length + claimed.size + followers.length;
    },
    get behind() {
      return followers.length;
    },
    get deadLetters() {
      return deadLetters.length;
    },
  };
}

/** The index of the first item that does not precede `place`. */
function positionIn(list: readonly Place[], place: Place): number {
  return indexIn(list, (each) => compare(each, place) < 0);
}

function compare(a: Place, b: Place): number {
  return a.at - b.at || compareAge(a, b);
}

function compareTimes(a: EntryTimes, b: EntryTimes): number {
  return (a.dueAt ?? a.since) - (b.dueAt ?? b.since) || compareAge(a, b);
}

function compareAge(a: Pick<Place, 'since' | 'id'>, b: Pick<Place, 'since' | 'id'>): number {
  return a.since - b.since || (a.id < b.id ? -1 : Number(a.id > b.id));
}
