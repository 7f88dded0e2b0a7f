// The topology that the options name, with its connections. Used by connect.ts.

import { addressName, type RedisAddress } from '../../../config/store-url.ts';
import type { Clock, Log } from '../../../domain/ports.ts';
import { createCluster } from './cluster.ts';
import { type NodeSettings, openNode, type RedisNode } from './node.ts';
import { findMaster, watchMaster } from './sentinel.ts';
import { createShard, type Shard } from './shard.ts';
import { oneMaster, type Topology } from './topology.ts';

export interface TopologyOptions {
  readonly mode: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly RedisAddress[];
  readonly master?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly replicas: number;
  readonly replicaTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A connection is up or down. */
type OnChange = () => void;

/** Begins to connect at once. `onMove`: channels may have another master now. */
export function makeTopology(
  options: TopologyOptions,
  settings: NodeSettings,
  onChange: OnChange,
  onMove: () => void,
): Topology {
  const { nodes, clock, log, replicas, replicaTimeoutMs } = options;
  const shardOf = (
    name: string,
    open: (slackMs: number) => Promise<RedisNode>,
    changed: OnChange,
    onMoved = (): void => undefined,
  ): Shard =>
    createShard({
      name,
      open,
      replicas,
      replicaTimeoutMs,
      timeoutMs: settings.timeoutMs,
      maxWaiting: settings.room.max,
      onChange: changed,
      onMoved,
      clock,
      log,
    });

  if (options.mode === 'cluster') {
    const cluster = createCluster({
      seeds: nodes,
      createShard: (address) =>
        shardOf(
          addressName(address),
          (slackMs) => openNode(address, 'cluster', settings, slackMs),
          () => {
            cluster.changed();
            onChange();
          },
          () => cluster.moved(),
        ),
      open: (address) => openNode(address, 'cluster', settings),
      onChange: () => {
        onMove();
        onChange();
      },
      clock,
      log,
    });
    return cluster;
  }
  const names = nodes.map(addressName).join(', ');
  if (options.mode === 'single') {
    const [address = { host: 'localhost', port: 6379 }] = nodes;
    return oneMaster(
      shardOf(names, (slackMs) => openNode(address, 'standalone', settings, slackMs), onChange),
    );
  }
  const masterName = options.master ?? '';
  const { user: _user, ...common } = settings;
  const sentinels = {
    sentinels: nodes,
    masterName,
    settings: { ...common, password: options.sentinelPassword, db: 0 },
  };
  const open = async (slackMs: number): Promise<RedisNode> => {
    const address = await findMaster(sentinels);
    const node = await openNode(address, 'standalone', settings, slackMs);
    watchMaster(node, address, { ...sentinels, clock });
    return node;
  };
  return oneMaster(shardOf(`${masterName} (Sentinels ${names})`, open, onChange));
}
