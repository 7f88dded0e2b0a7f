// The name under which a node keeps its history and shows itself. Two processes with one name would overwrite each other's history,
// so the later one takes a name of its own. Used by the monitor.

import type { Clock, Log } from '../shared/ports.ts';
import type { NodeEntry } from './model.ts';
import type { MonitoringStore } from './ports.ts';

export interface NodeName {
  readonly current: string;
  /** Whether it is known that no other process has it; nothing may be written under it before. */
  readonly isSettled: boolean;
  /** The configured name, when another process has it. */
  readonly duplicateOf: string | undefined;
  /** Looks who has the name. @returns whether it is settled. Never rejects. */
  claim(): Promise<boolean>;
  /** Takes a name of its own. */
  leave(): void;
}

/** Nodes that are silent for longer have stopped. */
const aliveMs = 10_000;
/** Two processes that start together find each other within this time; later the name is checked once a minute. */
const startMs = 15_000;
const everyMs = 60_000;

export function isAlive({ ageMs, state }: NodeEntry): boolean {
  return ageMs < aliveMs && !state.isStopped;
}

export function createNodeName(options: {
  readonly name: string;
  readonly instance: string;
  readonly isShared: boolean;
  readonly store: Pick<MonitoringStore, 'nodes'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}): NodeName {
  const { name, instance, store, clock, log } = options;
  const createdAt = clock.monotonic();
  const own = `${name}~${instance.slice(0, 8)}`;
  let current = name;
  let isSettled = !options.isShared;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const leave = (): void => {
    current = own;
    isSettled = true;
  };
  const yieldName = (): void => {
    leave();
    log.warn(
      { node: name, shownAs: own },
      'another process has the name of this node, which is shown under a name of its own and keeps its own history; give each a different [metrics] node, and restart this one',
    );
  };
  return {
    claim: async () => {
      const now = clock.monotonic();
      if (current === own) return true;
      if (isSettled && now - createdAt > startMs && now - lookedAt < everyMs) return true;
      const nodes = await store.nodes().catch(() => undefined);
      if (!nodes) return isSettled;
      lookedAt = now;
      const other = nodes.find((entry) => entry.name === name && entry.state.instance !== instance);
      if (!other || !isAlive(other)) isSettled = true;
      // Of two that settled at the same time, only one sees the other: the last one to write keeps the name.
      else if (isSettled || other.ageMs < now - createdAt) yieldName();
      // Otherwise it was heard from before this process started, as after a crash and a restart.
      return isSettled;
    },
    leave,
    get current() {
      return current;
    },
    get isSettled() {
      return isSettled;
    },
    get duplicateOf() {
      return current === own ? name : undefined;
    },
  };
}
