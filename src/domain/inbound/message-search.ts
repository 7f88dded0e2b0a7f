// Searches messages for operators, a page at a time: in the store, among the refused ones, and among the recently received
// ones. Never reads more entries than a bound, and says how many it has read. Used by the console's messages.

import { coalesceNext } from '../../lib/coalesce-next.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import type { HistoryEvent, OutboxEntry } from '../shared/model.ts';
import type { MissingNode } from '../shared/node-requests.ts';
import type { Clock } from '../shared/ports.ts';
import { type MessageAdmin, type MessageView, viewOf } from './message-admin.ts';
import {
  arrivalOf,
  createMatcher,
  isInState,
  type MessageFilter,
  type MessageMatcher,
  type NumberReader,
} from './message-query.ts';
import type { InboundSms } from './model.ts';
import { maxRemembered, type NodeMessages, type RememberedMessages } from './node-messages.ts';
import type { InboundStore } from './ports.ts';

/** A message in a list, with the last event of its history only. */
interface MessageRow extends Omit<MessageView, 'history'> {
  /** Unix time in milliseconds. */
  readonly arrivedAt: number;
  readonly lastEvent?: HistoryEvent;
}

export interface MessagePage {
  readonly messages: readonly MessageRow[];
  /** Messages that match, as far as they were searched. */
  readonly total: number;
  /** When not all were searched: messages that were read, and that there are. */
  readonly searched?: { readonly read: number; readonly of: number };
  /** Nodes whose memory is missing. */
  readonly missing: readonly MissingNode[];
}

export interface MessageSearch {
  /** Dead letters, refused and recent messages come newest first, waiting ones as they are due. Throws UNAVAILABLE. */
  find(
    filter: MessageFilter,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<MessagePage>;
  /** Ids of all waiting or dead-lettered messages that match, `max` at most. Reads every entry. Throws UNAVAILABLE. */
  ids(filter: MessageFilter, max: number): Promise<string[]>;
}

export interface MessageSearchDeps {
  readonly store: Pick<InboundStore, 'inbound'>;
  readonly admin: Pick<MessageAdmin, 'trace'>;
  readonly memories: NodeMessages;
  readonly numberOf: NumberReader;
  readonly clock: Pick<Clock, 'monotonic'>;
}

type Source = 'waiting' | 'deadLetters';

/** Entries of the outbox that are read for one search, and for the list of everything. */
const maxSearched = 2_000;
const maxOverview = 100;
/** Recent messages whose state is looked up for one search. */
const maxResolved = 500;
/** Entries that are read in one turn. */
const chunk = 100;
/** Reading takes longer the more is read, so its result is reused for a time that grows with it. */
const reuseMsPerEntry = 2;
/** From the memory of each node, for a list of everything. */
const leastRemembered = 500;

export function createMessageSearch(deps: MessageSearchDeps): MessageSearch {
  const { store, admin, memories, numberOf, clock } = deps;
  const scans = new Map<string, { readonly until: number; readonly rows: readonly MessageRow[] }>();

  const countOf = async (source: Source): Promise<number> => (await store.inbound.count())[source];
  const readPage = async (source: Source, offset: number, limit: number) => {
    if (source === 'waiting') return (await store.inbound.waiting(limit, offset)).map(rowOfEntry);
    // The newest first: the store has the oldest first.
    const end = (await countOf(source)) - offset;
    const start = Math.max(0, end - limit);
    return (await store.inbound.deadLetters(Math.max(0, end - start), start)).map(rowOfEntry).reverse();
  };
  const scan = coalesceNext(async (key: `${Source}:${number}`): Promise<readonly MessageRow[]> => {
    const known = scans.get(key);
    if (known && clock.monotonic() < known.until) return known.rows;
    const source = key.startsWith('waiting') ? 'waiting' : 'deadLetters';
    const most = Number(key.slice(source.length + 1));
    const rows: MessageRow[] = [];
    for (let offset = 0; offset < most; offset += chunk) {
      if (offset > 0) await nextTurn();
      const found = await readPage(source, offset, chunk);
      rows.push(...found);
      if (found.length < chunk) break;
    }
    scans.set(key, { until: clock.monotonic() + rows.length * reuseMsPerEntry, rows });
    return rows;
  });

  const traced = async (id: string): Promise<MessageRow | undefined> => {
    try {
      return rowOf(await admin.trace(id));
    } catch {
      // Expired meanwhile, or never here.
      return undefined;
    }
  };
  /** With the state that the message has now, which the log of recent messages does not know. */
  const withState = async (row: MessageRow): Promise<MessageRow | undefined> => {
    const now = await traced(row.id);
    return now && { ...row, ...now, arrivedAt: now.arrivedAt || row.arrivedAt };
  };

  const published = async (filter: MessageFilter, page: Page): Promise<MessagePage> => {
    const { recent, recentBeyond, missing } = await memories.find(filter, maxResolved);
    const candidates = recent.map(recentRow);
    const found: MessageRow[] = [];
    for (const [index, candidate] of candidates.slice(0, maxResolved).entries()) {
      if (index % chunk === chunk - 1) await nextTurn();
      const row = await withState(candidate);
      if (row?.state === 'published') found.push(row);
    }
    const read = Math.min(candidates.length, maxResolved);
    return { ...pageOf(found, page), ...searchedOf(read, candidates.length + recentBeyond), missing };
  };
  const refused = async (filter: MessageFilter, page: Page): Promise<MessagePage> => {
    const found = await memories.find(filter, maxRemembered);
    const { messages, total } = pageOf(found.refused.map(rowOf), page);
    return { messages, total: total + found.refusedBeyond, missing: found.missing };
  };

  const single = async (id: string, state: MessageFilter['state'], page: Page): Promise<MessagePage> => {
    const known = await traced(id);
    const other = known ? undefined : await memories.refused(id);
    const row = known ?? (other?.message && rowOf(other.message));
    return {
      ...pageOf(row && isInState(row.state, state) ? [row] : [], page),
      missing: other?.missing ?? [],
    };
  };

  /** Everything that matches, newest first, as far as the bounds allow. */
  const everywhere = async (
    filter: MessageFilter,
    matcher: MessageMatcher,
    page: Page,
  ): Promise<MessagePage> => {
    const most = matcher.isOpen && filter.state === undefined ? maxOverview : maxSearched;
    const wanted = Math.max(leastRemembered, page.offset + page.limit);
    const sources = sourcesOf(filter.state);
    const scanned = await Promise.all(sources.map((source) => scan(`${source}:${most}`)));
    // An indexed lookup, which also finds what lies beyond the bound.
    const ordered =
      matcher.msisdn === undefined ? [] : await store.inbound.waitingOf(matcher.msisdn, maxOverview);
    const remembered = filter.state === undefined ? await memories.find(filter, wanted) : nothing;
    const others = [...remembered.refused.map(rowOf), ...remembered.recent.map(recentRow)];
    const rows = new Map<string, MessageRow>();
    for (const row of [...scanned.flat(), ...ordered.map(rowOfEntry), ...others]) {
      if (!rows.has(row.id) && matcher.matches(row)) rows.set(row.id, row);
    }
    const known = new Set(scanned.flat().map(({ id }) => id));
    const found = [...rows.values()]
      .filter(({ state }) => isInState(state, filter.state))
      .sort((a, b) => b.arrivedAt - a.arrivedAt);
    const { messages, total } = pageOf(found, page);
    const current = await Promise.all(
      messages.map((row) => (known.has(row.id) || row.state !== 'published' ? row : withState(row))),
    );
    const counts = await store.inbound.count();
    const of = sources.reduce((sum, source) => sum + counts[source], 0);
    const read = scanned.reduce((sum, some) => sum + some.length, 0);
    return {
      messages: current.filter((row) => row !== undefined),
      total: total + remembered.refusedBeyond + remembered.recentBeyond,
      ...searchedOf(read, Math.max(read, of)),
      missing: remembered.missing,
    };
  };

  return {
    find: async (filter, page) => {
      const matcher = createMatcher(filter, numberOf);
      const { state } = filter;
      if (matcher.id !== undefined) return single(matcher.id, state, page);
      if (state === 'published') return published(filter, page);
      if (state === 'refused') return refused(filter, page);
      if (matcher.isOpen && (state === 'waiting' || state === 'dead-lettered')) {
        const source = state === 'waiting' ? 'waiting' : 'deadLetters';
        const [messages, total] = [await readPage(source, page.offset, page.limit), await countOf(source)];
        return { messages, total, missing: [] };
      }
      return everywhere(filter, matcher, page);
    },

    ids: async (filter, max) => {
      const matcher = createMatcher(filter, numberOf);
      const found = new Set<string>();
      for (const source of sourcesOf(filter.state)) {
        for (let offset = 0; found.size < max; offset += chunk) {
          await nextTurn();
          const entries = await (source === 'waiting'
            ? store.inbound.waiting(chunk, offset)
            : store.inbound.deadLetters(chunk, offset));
          for (const row of entries.map(rowOfEntry)) {
            if (isInState(row.state, filter.state) && matcher.matches(row)) found.add(row.id);
          }
          // Entries that cannot be read are left out of a page, so only an empty one is surely the last.
          if (entries.length === 0) break;
        }
      }
      return [...found].slice(0, max);
    },
  };
}

interface Page {
  readonly offset: number;
  readonly limit: number;
}

const nothing: RememberedMessages = {
  refused: [],
  recent: [],
  refusedBeyond: 0,
  recentBeyond: 0,
  missing: [],
};

function pageOf(
  rows: readonly MessageRow[],
  { offset, limit }: Page,
): Pick<MessagePage, 'messages' | 'total'> {
  return { messages: rows.slice(offset, offset + limit), total: rows.length };
}

function searchedOf(read: number, of: number): Pick<MessagePage, 'searched'> {
  return read < of ? { searched: { read, of } } : {};
}

function sourcesOf(state: MessageFilter['state']): readonly Source[] {
  if (state === 'waiting' || state === 'sending') return ['waiting'];
  if (state === 'dead-lettered' || state === 'outcome unknown') return ['deadLetters'];
  return state === undefined ? ['deadLetters', 'waiting'] : [];
}

function rowOfEntry(entry: OutboxEntry<InboundSms>): MessageRow {
  return rowOf(viewOf(entry));
}

function rowOf({ history, ...view }: MessageView): MessageRow {
  const lastEvent = lastEventOf(history);
  return { ...view, arrivedAt: arrivalOf(history), ...(lastEvent && { lastEvent }) };
}

/** A dead letter in a list says why it is one. */
function lastEventOf(history: readonly HistoryEvent[]): HistoryEvent | undefined {
  const last = history.at(-1);
  const attempt = history.findLast(({ event }) => event.startsWith('attempt '));
  if (last?.event !== 'dead-lettered' || !attempt) return last;
  return { ...last, event: `${last.event}: ${attempt.event.replace(/^attempt \d+(?: failed)?: /, '')}` };
}

/** Its state is looked up where it is shown. */
function recentRow({ id, at, platform, msisdn }: RememberedMessages['recent'][number]): MessageRow {
  return { id, platform, msisdn, arrivedAt: at, state: 'published' };
}
