// What monitoring keeps and shows: states of nodes, health of dependencies, and windows of the history.

import type { SeriesName } from './series.ts';

/** A dependency of a service, since when it has been in its state. */
export interface HealthEntry {
  /** As in `/readyz`: `store`, `publisher`. */
  readonly name: string;
  readonly state: string;
  readonly required: boolean;
  /** When it was first seen in this state, Unix time in milliseconds. */
  readonly since: number;
  /** The last check, Unix time in milliseconds. */
  readonly checkedAt: number;
  /** Why calls fail, for operators. */
  readonly reason?: string;
}

/** Outgoing SMS that a phone has had for longer than these minutes without a report. */
export interface OverdueSms {
  readonly count: number;
  readonly minutes: number;
}

/** What a node says about itself. */
export interface NodeState {
  /** Differs for each start of the process. */
  readonly instance: string;
  readonly version: string;
  readonly services: readonly string[];
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  /** Delay of its event loop, in milliseconds. */
  readonly loopDelayMs: number;
  readonly sockets: number;
  /** Resident memory in bytes. */
  readonly memory: number;
  readonly health: readonly HealthEntry[];
  /** When its history was last saved, Unix time in milliseconds; 0: never. */
  readonly savedAt: number;
  /** Its history since then, encoded. */
  readonly tail: string;
  /** It said that it stops. */
  readonly isStopped?: true;
  /** Its configured name, which another process has. */
  readonly duplicateOf?: string;
}

/** A node as the others see it. */
export interface NodeEntry {
  readonly name: string;
  readonly state: NodeState;
  /** Milliseconds since it was last heard from. */
  readonly ageMs: number;
}

export interface SavedHistory {
  /** The node that it belongs to. */
  readonly node: string;
  /** Unix time in milliseconds. */
  readonly savedAt: number;
  readonly text: string;
}

/** The series of plots: the classes of latency become percentiles, in milliseconds. */
export type PlotName =
  | Exclude<SeriesName, `${string}_calls_${string}`>
  | 'pcrf_p50'
  | 'pcrf_p95'
  | 'radius_p50'
  | 'radius_p95';

/** Values of equal periods; null where nothing is known. */
export interface HistoryWindow {
  /** Seconds of one period. */
  readonly step: number;
  /** The first period begins at `first * step`, Unix time in seconds. */
  readonly first: number;
  readonly length: number;
  readonly columns: Readonly<Record<PlotName, readonly (number | null)[]>>;
}

/** What changes one window into the next: everything from one period on. */
export interface WindowChange extends HistoryWindow {
  /** The first period of the changed window. */
  readonly start: number;
}
