// The histories of all nodes that share a store, for whoever reads: those of others are read when a page shows them, and are forgotten soon
// after. Used by the monitor.

import type { Clock } from '../shared/ports.ts';
import { createHistory, type History } from './history.ts';
import { decodeInto } from './history-codec.ts';
import type { NodeEntry } from './model.ts';
import type { MonitoringStore } from './ports.ts';

/** Nodes whose histories are merged; each takes half a megabyte while a page shows the history. */
const maxNodes = 32;
/** Nodes that are no longer there are read this often. */
const vanishedMs = 60_000;
const forgetMs = 60_000;

export interface ClusterHistory {
  /** This node's history first. Nodes that cannot be read now are left out. */
  read(nodes: readonly NodeEntry[]): Promise<readonly History[]>;
  /** Frees the memory of what nobody has read for a minute. */
  forget(): void;
}

interface Cached {
  readonly history: History;
  readonly savedAt: number;
  readonly readAt: number;
}

export function createClusterHistory(options: {
  readonly own: History;
  readonly name: () => string;
  readonly store: MonitoringStore;
  readonly clock: Pick<Clock, 'monotonic'>;
}): ClusterHistory {
  const { own, name, store, clock } = options;
  const cached = new Map<string, Cached>();
  let readAt = 0;

  const load = async (node: string, savedAt: number): Promise<Cached> => {
    const history = createHistory();
    const saved = await store.history(node);
    if (saved) decodeInto(history, saved.text);
    return { history, savedAt, readAt: clock.monotonic() };
  };
  const historyOf = async (node: string, entry: NodeEntry | undefined): Promise<History | undefined> => {
    const known = cached.get(node);
    const isCurrent = entry
      ? known?.savedAt === entry.state.savedAt
      : known && clock.monotonic() - known.readAt < vanishedMs;
    try {
      const loaded = known && isCurrent ? known : await load(node, entry?.state.savedAt ?? 0);
      cached.set(node, loaded);
      if (entry) decodeInto(loaded.history, entry.state.tail);
      return loaded.history;
    } catch {
      return known?.history;
    }
  };
  let vanished: { readonly names: readonly string[]; readonly readAt: number } | undefined;
  const savedNames = async (): Promise<readonly string[]> => {
    if (vanished && clock.monotonic() - vanished.readAt < vanishedMs) return vanished.names;
    const names = await store.historyNodes().catch(() => vanished?.names ?? []);
    vanished = { names, readAt: clock.monotonic() };
    return names;
  };

  return {
    read: async (nodes) => {
      readAt = clock.monotonic();
      const byName = new Map(nodes.map((entry) => [entry.name, entry]));
      // The most recently heard from come first, so that the bound drops what is oldest.
      const names = [...new Set([...[...byName.keys()].reverse(), ...(await savedNames())])]
        .filter((each) => each !== name())
        .slice(0, maxNodes);
      for (const node of cached.keys()) if (!names.includes(node)) cached.delete(node);
      const others: History[] = [];
      // One after the other: there is no hurry, and the texts of all at once would take much memory.
      for (const node of names) {
        const history = await historyOf(node, byName.get(node));
        if (history) others.push(history);
      }
      return [own, ...others];
    },
    forget: () => {
      if (clock.monotonic() - readAt > forgetMs) cached.clear();
    },
  };
}
