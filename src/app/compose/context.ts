// What building the services needs: clock, log, lifecycle, version. Used by the files of this folder.

import type { DisplayedSetting } from '../../config/display-value.ts';
import type { Bus } from '../../domain/pairing/ports.ts';
import type { NodeChannel } from '../../domain/shared/node-requests.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import type { BodyBudget } from '../../http/body-budget.ts';
import type { ConnectionLimiter } from '../../http/connection-limiter.ts';
import type { LoadSample, OverloadGuard } from '../../http/overload-guard.ts';
import type { Readiness } from '../../http/readiness.ts';
import type { MetricsSnapshot } from '../../metrics/aggregate.ts';
import type { OpenedStore as OpenedAdapterStore } from '../../store/adapter.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Levels } from '../logging/levels.ts';
import type { LogTail } from '../logging/log-tail.ts';
import type { AppMetrics } from './app-metrics.ts';
import type { HealthSources } from './monitoring.ts';

export type ServiceName = 'gateway' | 'sync' | 'disconnect';

/** Lines that were not logged since the start: lost by a target, or repeated more often than `[logging] max_repeats`. */
export interface LogDrops {
  readonly file: number;
  readonly gelf: number;
  readonly repeated: number;
}

/** What all workers of `swob serve --workers` know together, and this one of itself. Implemented by app/workers. */
export interface WorkerContext {
  /** The smallest number from 1 on that no other worker has. */
  readonly slot: number;
  /** Workers in regular operation. */
  readonly count: number;
  /** The store that the primary process has open; undefined where each process opens the store itself. */
  readonly store: OpenedAdapterStore | undefined;
  /** The response to a scrape. Throws UNAVAILABLE when the primary process does not answer. */
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  /** The readiness of a service; `own` when the primary process does not answer. Never rejects. */
  readiness(service: ServiceName, own: () => Promise<Readiness>): Promise<Readiness>;
  /** To all other workers; lost when one does not listen. */
  publish(topic: string, event: object): void;
  /** Calls back with what other workers have published. */
  subscribe(topic: string, listener: (event: object) => void): void;
  /** Called with what this worker knows of itself, once it is built. */
  provide(own: WorkerSelf): void;
}

interface WorkerSelf {
  readonly metrics: () => Promise<MetricsSnapshot>;
  /** Undefined for a service that is not built. */
  readonly readiness: (service: ServiceName) => Promise<Readiness> | undefined;
  /** Accepts no new connections; resolves when the open ones have ended. */
  readonly drain: () => Promise<void>;
}

export interface AppContext {
  readonly clock: Clock;
  /** The log of the process. */
  readonly log: Log;
  /** The log of a service; `log` unless given. */
  readonly logFor?: (service: ServiceName) => Log;
  readonly lifecycle: Lifecycle;
  readonly version: string;
  /** The configuration keys with their origins, for the console. */
  readonly settings?: readonly DisplayedSetting[];
  /** As they are now, likewise. */
  readonly logLevels?: () => Levels;
  /** The last lines of the log, for the console. */
  readonly logTail?: LogTail;
  readonly droppedLogLines?: () => LogDrops;
  /** Called after each response. */
  readonly onResponse?: () => void;
  /** Limit of client connections, instead of the one derived from open files and heap; for tests. */
  readonly maxConnections?: number;
  /** Replaces the measurement of load; for tests. */
  readonly sample?: () => LoadSample;
  /** In a worker process. */
  readonly worker?: WorkerContext;
}

/** The context and what the services of one process share. */
export interface Runtime extends AppContext {
  /** Those of this process. */
  readonly services: readonly ServiceName[];
  readonly overloadGuard: OverloadGuard;
  readonly bodyBudget: BodyBudget;
  readonly connectionLimiter: ConnectionLimiter;
  readonly metrics: AppMetrics;
  readonly health: HealthSources;
  /** The part of a bound that this process may use: all of it, or that of one worker. */
  readonly shareOf: (bound: number) => number;
}

export interface OpenedStore {
  readonly store: Store;
  /** The bus to the other processes that share the store, if any do. */
  readonly bus?: Bus;
  /** To the same processes, for what each of them knows alone. */
  readonly nodes?: NodeChannel;
}
