// What the services are built in: time, log, lifecycle, version. Used by the files of this folder.

import type { Bus, Clock, Log, Store } from '../../domain/ports.ts';
import type { Pressure, Sample } from '../../http/pressure.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Instruments } from './instruments.ts';

export type ServiceName = 'gateway' | 'sync' | 'disconnect';

/** Log lines that were lost, by where they should have gone (`file`, `gelf`...). */
type LogDrops = () => Readonly<Record<string, number>>;

export interface World {
  readonly clock: Clock;
  /** Of the process. */
  readonly log: Log;
  /** Of a service; absent: `log` takes its lines, too. */
  readonly logFor?: (service: ServiceName) => Log;
  readonly lifecycle: Lifecycle;
  readonly version: string;
  /** Counted by the log; absent where it loses none. */
  readonly logDrops?: LogDrops;
  /** Called for each request that was answered. */
  readonly onServed?: () => void;
  /** In place of what is measured; for tests. */
  readonly sample?: () => Sample;
}

/** What the services of one process have in common besides. */
export interface Workshop extends World {
  readonly pressure: Pressure;
  readonly instruments: Instruments;
}

export interface OpenedStore {
  readonly store: Store;
  /** Where other processes share the store: the bus that reaches them all. */
  readonly bus?: Bus;
}
