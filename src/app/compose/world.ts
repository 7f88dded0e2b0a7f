// What the services are built in: time, log, lifecycle, version. Used by the files of this folder.

import type { Clock, Log } from '../../domain/ports.ts';
import type { Lifecycle } from '../lifecycle.ts';

export type ServiceName = 'gateway' | 'sync' | 'disconnect';

export interface World {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly version: string;
}
