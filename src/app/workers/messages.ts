// What the primary process of `swob serve --workers` and its workers send each other. Used by the files of this folder.
//
// The primary has the embedded store, the log files, the ready file and the notifications of systemd; a worker has the services. Both
// ends are the same version of swob: a worker of another one, whose files replaced those of the primary, does not start.

import type { DisplayedSetting } from '../../config/display-value.ts';
import type { Config } from '../../config/schema.ts';
import type { Readiness } from '../../http/readiness.ts';
import type { MetricsSnapshot } from '../../metrics/aggregate.ts';
import type { ServiceName } from '../compose/context.ts';
import type { Endpoints } from '../compose/start.ts';
import type { Levels } from '../logging/levels.ts';

/** What a worker needs to start its services. */
export interface WorkerSettings {
  readonly config: Config;
  /** For the console. */
  readonly settings: readonly DisplayedSetting[];
  readonly services: readonly ServiceName[];
  readonly version: string;
  /** The smallest number from 1 on that no other worker has; names it in logs and in the console. */
  readonly slot: number;
  /** Workers in regular operation: the bounds of the process are divided by it. */
  readonly workers: number;
  /** Whether the primary serves the store; otherwise the worker opens that of the configuration. */
  readonly usesOwner: boolean;
}

/** What one worker knows of itself. */
export interface WorkerReport {
  readonly metrics: MetricsSnapshot;
  /** Of each of its services. */
  readonly readiness: Readonly<Partial<Record<ServiceName, Readiness>>>;
}

/** Which part of the report is wanted. */
export type ReportPart = 'metrics' | ServiceName;

/** A line of the log, and the service that wrote it; null: the process. */
export type LoggedLine = readonly [service: ServiceName | null, line: string];

export type ToWorker =
  | { readonly kind: 'start'; readonly settings: WorkerSettings; readonly levels: Levels }
  | { readonly kind: 'levels'; readonly levels: Levels }
  /** Lines of the primary, for the console. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** Accepts no new connections, and ends when the others have ended. */
  | { readonly kind: 'drain' }
  /** Stops within this time. */
  | { readonly kind: 'stop'; readonly budgetMs: number }
  /** It answers `alive`, unless it hangs. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'report'; readonly id: number; readonly part: ReportPart }
  /** The answer to `whole`: that of all workers. */
  | { readonly kind: 'whole'; readonly id: number; readonly text: string }
  | { readonly kind: 'event'; readonly topic: string; readonly event: object };

export type ToPrimary =
  /** It listens to messages: Node drops those that come earlier. */
  | { readonly kind: 'online' }
  | { readonly kind: 'alive' }
  | { readonly kind: 'ready'; readonly endpoints: Endpoints }
  /** It could not start; `code` is that of a `SwobError`. */
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  /** It has stopped, and counted this. */
  | { readonly kind: 'stopped'; readonly metrics: MetricsSnapshot }
  | { readonly kind: 'log'; readonly lines: readonly LoggedLine[] }
  | { readonly kind: 'reported'; readonly id: number; readonly report: Partial<WorkerReport> }
  | { readonly kind: 'whole'; readonly id: number; readonly part: ReportPart }
  /** For all other workers. */
  | { readonly kind: 'event'; readonly topic: string; readonly event: object };

/**
 * Whether a process that does not read loses nothing by it: what it misses are lines of the console's log, and requests and events whose
 * sender waits for a bounded time only. Lines of the log have a bound of their own (worker-logs.ts).
 */
export function canMiss({ kind }: ToWorker | ToPrimary): boolean {
  return ['lines', 'report', 'reported', 'whole', 'event', 'ping'].includes(kind);
}
