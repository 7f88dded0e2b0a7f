// States of nodes and monitoring histories in memory. Used by the memory and lowdb stores.

import type { NodeState, SavedHistory } from '../../domain/monitoring/model.ts';
import type { MonitoringStore } from '../../domain/monitoring/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import type { MonitoringBounds } from '../options.ts';

/** The histories after one was saved, the oldest first: each node has one, and those that expired or exceed the bound are dropped. */
export function withHistory(
  known: readonly SavedHistory[],
  history: SavedHistory,
  { maxNodes, historyTtlMs }: MonitoringBounds,
): SavedHistory[] {
  return [...known.filter(({ node }) => node !== history.node), history]
    .filter(({ savedAt }) => savedAt > history.savedAt - historyTtlMs)
    .slice(-maxNodes);
}

/** The part of the port that is in memory in both stores. */
export function createMemoryNodes(
  clock: Pick<Clock, 'monotonic'>,
  { maxNodes, nodeTtlMs }: MonitoringBounds,
): Pick<MonitoringStore, 'publish' | 'nodes'> {
  // In the order in which they were last heard from.
  const nodes = new Map<string, { readonly state: NodeState; readonly at: number }>();
  return {
    publish: async (node, state) => {
      nodes.delete(node);
      nodes.set(node, { state, at: clock.monotonic() });
      const [longestSilent] = nodes.keys();
      if (nodes.size > maxNodes && longestSilent !== undefined) nodes.delete(longestSilent);
    },
    nodes: async () =>
      [...nodes].flatMap(([name, { state, at }]) => {
        const ageMs = clock.monotonic() - at;
        return ageMs < nodeTtlMs ? [{ name, state, ageMs }] : [];
      }),
  };
}

export function createMemoryMonitoring(
  clock: Pick<Clock, 'monotonic'>,
  bounds: MonitoringBounds,
): MonitoringStore {
  let known: readonly SavedHistory[] = [];
  return {
    ...createMemoryNodes(clock, bounds),
    saveHistory: async (history) => {
      known = withHistory(known, history, bounds);
    },
    history: async (name) => known.find(({ node }) => node === name),
    historyNodes: async () => known.map(({ node }) => node),
  };
}
