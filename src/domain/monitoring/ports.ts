// What monitoring keeps in the store; the suite in test/contract holds every adapter to the same behaviour.

import type { NodeEntry, NodeState, SavedHistory } from './model.ts';

/** Bounded in number: the nodes that have been silent longest are evicted. */
export interface MonitoringStore {
  /** Replaces what a node says about itself. Not durable: the next one follows in seconds. Throws UNAVAILABLE. */
  publish(node: string, state: NodeState): Promise<void>;
  /** The nodes of the last days, the longest silent first. Skips those of another version that cannot be read. */
  nodes(): Promise<NodeEntry[]>;
  /** Replaces the history of a node; durable when it resolves. Throws UNAVAILABLE. */
  saveHistory(history: SavedHistory): Promise<void>;
  /** The saved history of a node. */
  history(node: string): Promise<SavedHistory | undefined>;
  /** The names of the nodes that have one. */
  historyNodes(): Promise<string[]>;
}
