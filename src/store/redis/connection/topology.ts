// Where keys are: with one master, or in a cluster (cluster.ts). Used by connect.ts.

import type { SwobError } from '../../../errors.ts';
import type { Shard, Work } from './shard.ts';

export interface Topology {
  /** Runs the work where the key is; without a key on any master. */
  run(key: string | undefined, work: Work): Promise<unknown>;
  /** The same for a write, as `Shard.durable`. */
  durable(key: string, work: Work): Promise<unknown>;
  /** The master of a channel; undefined while nobody knows it. */
  shardOf(channel: string): Shard | undefined;
  /** Every master. Throws UNAVAILABLE while they are not known. */
  masters(): readonly Shard[];
  /** Every master is known and connected. */
  isUp(): boolean;
  /** Resolves when the first attempt to connect has ended, with its failure if it failed. */
  readonly first: Promise<SwobError | undefined>;
  close(): Promise<void>;
}

export function oneMaster(shard: Shard): Topology {
  return {
    run: (_key, work) => shard.run(work),
    durable: (_key, work) => shard.durable(work),
    shardOf: () => shard,
    masters: () => [shard],
    isUp: () => shard.isUp(),
    first: shard.first,
    close: () => shard.close(),
  };
}
