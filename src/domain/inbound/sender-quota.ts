// Bounds the stored SMS that anybody can submit: those to relay, and those whose senders cannot be verified because the back end is
// down. Few are stored for each sender and client address, and they are evicted first. Used by publishing.ts.

import { SwobError } from '../../errors.ts';
import type { OutboxEntry } from '../shared/model.ts';
import type { OutboxStore } from '../shared/ports.ts';
import { StoreFullError } from '../shared/store-full-error.ts';
import type { InboundSms } from './model.ts';

export interface SenderQuota {
  /**
   * Counts an SMS and runs `save`, which stores it. Throws what `save` throws, and UNAVAILABLE for too many SMS of one
   * sender or address: `isQuotaReached` tells which.
   */
  admit<R>(id: string, from: Origin, save: () => Promise<R>): Promise<R>;
  /** Counts an SMS that is stored already, if the quota concerns it. */
  track(entry: Pick<OutboxEntry<InboundSms>, 'id' | 'content'>): void;
  /** Ends the start, in which SMS may be released before `trackStored` has read them. */
  started(): void;
  /** Stops counting an SMS that the quota no longer concerns, or which is gone. */
  release(id: string): void;
  /** Evicts the oldest SMS of the address that has most of them; false when there is none. */
  evict(): Promise<boolean>;
  /** SMS stored now, and SMS refused and evicted since the start. */
  counts(): QuotaCounts;
}

export interface QuotaCounts {
  readonly kept: number;
  readonly refused: number;
  readonly evicted: number;
}

interface Origin {
  readonly msisdn: string;
  /** The client that submitted it, in the form of `limitAddress`. */
  readonly address: string;
}

interface SenderQuotaOptions {
  readonly store: OutboxStore<InboundSms>;
  /** The most stored SMS together, of one client address, and of one sender. */
  readonly most: { readonly all: number; readonly address: number; readonly sender: number };
  /** Whether the quota counts this SMS. */
  readonly isCounted: (sms: InboundSms) => boolean;
  /** The error for too many SMS, for operators. */
  readonly refusal: string;
  /** Called with each evicted SMS. */
  readonly onEvicted?: (entry: OutboxEntry<InboundSms>) => void;
}

class QuotaError extends SwobError {}

/** Whether `admit` has refused an SMS because of the SMS that are stored, rather than because the store cannot be used. */
export function isQuotaReached(error: unknown): boolean {
  return error instanceof QuotaError || error instanceof StoreFullError;
}

/** Seconds within which the other system usually recovers. */
const retryAfter = 30;
const page = 100;
const maxLoaded = 10_000;
/** Entries that are read to find one to evict: an attempt of the first ones may be running. */
const maxCandidates = 20;
/** Entries of a full group that are read for one SMS, to find those that are gone. */
const maxLookups = 10;

export function createSenderQuota(options: SenderQuotaOptions): SenderQuota {
  const { store, most, refusal, onEvicted } = options;
  const isCounted = (entry: OutboxEntry<InboundSms> | undefined): boolean =>
    entry !== undefined && options.isCounted(entry.content);
  /** In order of arrival, as in the sets below. */
  const kept = new Map<string, Origin>();
  /** SMS that are being stored: their absence from the store does not mean that they are gone. */
  const arriving = new Set<string>();
  const byAddress = new Map<string, Set<string>>();
  const bySender = new Map<string, Set<string>>();
  /** SMS of groups that were full, which have not been looked up since all others of the group were. */
  const unseen = new WeakMap<object, string[]>();
  /** Released during the start. */
  let gone: Set<string> | undefined = new Set();
  let refused = 0;
  let evicted = 0;

  const count = (id: string, from: Origin): void => {
    release(id);
    kept.set(id, from);
    addTo(byAddress, from.address, id);
    addTo(bySender, from.msisdn, id);
  };
  const release = (id: string): void => {
    gone?.add(id);
    const from = kept.get(id);
    if (!from) return;
    kept.delete(id);
    removeFrom(byAddress, from.address, id);
    removeFrom(bySender, from.msisdn, id);
  };

  const isFull = (groups: ReadonlyMap<string, Set<string>>, key: string, max: number): boolean =>
    (groups.get(key)?.size ?? 0) >= max;

  /**
   * Releases SMS of a full group that are gone: delivered, dropped or verified by another process, or dead letters that have
   * expired. Looks up some of them, and the next ones when the group is full again.
   */
  const refresh = async (group: Pick<ReadonlySet<string>, 'keys'> = new Set()): Promise<void> => {
    const rest = unseen.get(group);
    const ids = rest?.length ? rest : [...group.keys()];
    unseen.set(group, ids);
    for (const id of ids.splice(0, maxLookups))
      if (kept.has(id) && !arriving.has(id) && !isCounted(await store.get(id))) release(id);
  };

  const evict: SenderQuota['evict'] = async () => {
    for (;;) {
      const largest = [...byAddress.values()].reduce((a, b) => (b.size > a.size ? b : a), new Set<string>());
      const candidates = [...largest].filter((id) => !arriving.has(id)).slice(0, maxCandidates);
      let isStale = false;
      for (const id of candidates) {
        const entry = await store.get(id);
        // An attempt that is running ends with a write, which would restore it.
        if (entry && isCounted(entry) && entry.attemptStartedAt !== undefined) continue;
        release(id);
        isStale = true;
        if (!entry || !isCounted(entry)) continue;
        await store.remove(id);
        evicted++;
        onEvicted?.(entry);
        return true;
      }
      if (!isStale) return false;
    }
  };

  return {
    admit: async (id, from, save) => {
      const senderIsFull = (): boolean => isFull(bySender, from.msisdn, most.sender);
      const addressIsFull = (): boolean => isFull(byAddress, from.address, most.address);
      if (senderIsFull()) await refresh(bySender.get(from.msisdn));
      if (addressIsFull()) await refresh(byAddress.get(from.address));
      if (senderIsFull() || addressIsFull()) {
        refused++;
        throw new QuotaError('UNAVAILABLE', refusal, {
          retryAfter,
          publicMessage: 'no more messages are taken now',
        });
      }
      count(id, from);
      arriving.add(id);
      try {
        if (kept.size > most.all) await refresh(kept);
        if (kept.size > most.all) await evict();
        return await save();
      } catch (error) {
        release(id);
        throw error;
      } finally {
        arriving.delete(id);
      }
    },
    track: ({ id, content }) => {
      const { msisdn, address } = content;
      if (options.isCounted(content) && address !== undefined && !gone?.has(id))
        count(id, { msisdn, address });
    },
    started: () => {
      gone = undefined;
    },
    release,
    evict,
    counts: () => ({ kept: kept.size, refused, evicted }),
  };
}

/** Counts the SMS that earlier processes have stored. */
export async function trackStored(
  store: OutboxStore<InboundSms>,
  quotas: readonly SenderQuota[],
): Promise<void> {
  try {
    for (const list of [store.waiting, store.deadLetters]) {
      for (let offset = 0; offset < maxLoaded; offset += page) {
        const entries = await list(page, offset);
        for (const entry of entries) for (const quota of quotas) quota.track(entry);
        if (entries.length === 0) break;
      }
    }
  } finally {
    for (const quota of quotas) quota.started();
  }
}

function addTo(groups: Map<string, Set<string>>, key: string, id: string): void {
  const ids = groups.get(key) ?? new Set<string>();
  ids.add(id);
  groups.set(key, ids);
}

function removeFrom(groups: Map<string, Set<string>>, key: string, id: string): void {
  const ids = groups.get(key);
  ids?.delete(id);
  if (ids?.size === 0) groups.delete(key);
}
