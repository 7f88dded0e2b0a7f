// When parcels are due and since when they wait, always in order. The outboxes of the memory and lowdb
// stores find their parcels by it.

import type { Parcel } from '../../domain/model.ts';

export type ParcelTimes = Pick<Parcel<unknown>, 'id' | 'since' | 'dueAt'>;

export interface OutboxIndex {
  has(id: string): boolean;
  isGivenUp(id: string): boolean;
  /** Adds the parcel, or moves it to where its times belong now. */
  set(parcel: ParcelTimes): void;
  delete(id: string): void;
  /** Ids of those that are due at `now`, the earliest first; they are not due any more until they are set or put off. */
  claim(now: number, limit: number): string[];
  /** When a claimed one is due again. */
  putOff(id: string, until: number): void;
  /** Of those that are not claimed. */
  nextDue(): number | undefined;
  /** Ids of those that were given up, the oldest `since` first. */
  failed(limit: number): string[];
  /** With those that are claimed. */
  readonly waiting: number;
  readonly givenUp: number;
}

/** What a list is ordered by: `at` first; the others only keep the order the same at every start. */
interface Place {
  readonly at: number;
  readonly since: number;
  readonly id: string;
}

/** Adding and removing cost a search and a move of pointers; the rest only looks at the beginning of a list. */
export function createOutboxIndex(parcels: readonly ParcelTimes[] = []): OutboxIndex {
  const waiting: Place[] = [];
  const givenUp: Place[] = [];
  /** Without a list: claimed. */
  const held = new Map<string, { readonly list?: Place[]; readonly place: Place }>();
  let claimed = 0;

  /** Where the parcel belongs. */
  const placed = ({ id, since, dueAt }: ParcelTimes) =>
    dueAt === null
      ? { list: givenUp, place: { at: since, since, id } }
      : { list: waiting, place: { at: dueAt, since, id } };

  const remove = (id: string): void => {
    const entry = held.get(id);
    if (!entry) return;
    held.delete(id);
    if (entry.list) entry.list.splice(positionIn(entry.list, entry.place), 1);
    else claimed--;
  };

  const set = (parcel: ParcelTimes): void => {
    remove(parcel.id);
    const entry = placed(parcel);
    held.set(parcel.id, entry);
    entry.list.splice(positionIn(entry.list, entry.place), 0, entry.place);
  };

  for (const parcel of parcels) {
    const entry = placed(parcel);
    held.set(parcel.id, entry);
    entry.list.push(entry.place);
  }
  for (const list of [waiting, givenUp]) list.sort(compare);

  return {
    has: (id) => held.has(id),
    isGivenUp: (id) => held.get(id)?.list === givenUp,
    set,
    delete: remove,
    claim: (now, limit) => {
      const later = waiting.findIndex(({ at }, index) => at > now || index >= limit);
      const taken = waiting.splice(0, later < 0 ? waiting.length : later);
      for (const place of taken) held.set(place.id, { place });
      claimed += taken.length;
      return taken.map(({ id }) => id);
    },
    putOff: (id, until) => {
      const entry = held.get(id);
      if (entry && !entry.list) set({ id, since: entry.place.since, dueAt: until });
    },
    nextDue: () => waiting[0]?.at,
    failed: (limit) => givenUp.slice(0, Math.max(0, limit)).map(({ id }) => id),
    get waiting() {
      return waiting.length + claimed;
    },
    get givenUp() {
      return givenUp.length;
    },
  };
}

function compare(a: Place, b: Place): number {
  return a.at - b.at || a.since - b.since || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/** The index of the first one that is not before `place`. */
function positionIn(list: readonly Place[], place: Place): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = list[middle];
    if (there && compare(there, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
