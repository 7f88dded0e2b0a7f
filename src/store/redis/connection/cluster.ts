// Where keys are in a Redis Cluster: its slots, who has them now, and a shard for each master. Used by connect.ts.

import { addressName, type RedisAddress } from '../../../config/store-url.ts';
import type { Clock, Log } from '../../../domain/ports.ts';
import { SwobError } from '../../../errors.ts';
import { RedisReplyError, unavailable } from './failure.ts';
import type { RedisNode } from './node.ts';
import type { Shard, Work } from './shard.ts';
import { readAddress, readSlots, type SlotRange, slotCount, slotOf } from './slots.ts';
import type { Topology } from './topology.ts';

/** While something is missing the cluster is asked who has what this often, and else this often. */
const brokenMs = 500;
const settledMs = 10_000;
/** Nodes that send a command on; more is a cluster that does not know itself. */
const maxRedirects = 5;

export interface ClusterOptions {
  /** Some nodes of the cluster. */
  readonly seeds: readonly RedisAddress[];
  readonly createShard: (address: RedisAddress) => Shard;
  /** A connection of its own, to ask a node that no shard has. */
  readonly open: (address: RedisAddress) => Promise<RedisNode>;
  /** Somebody else may have some of the slots. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface Member {
  readonly address: RedisAddress;
  readonly shard: Shard;
}

export function createCluster(options: ClusterOptions): Topology & { changed(): void; moved(): void } {
  const { seeds, clock, log } = options;
  const name = `${seeds.map(addressName).join(', ')} (cluster)`;
  const members = new Map<string, Member>();
  const owners = new Array<Member | undefined>(slotCount).fill(undefined);
  let failure = unavailable(name, 'is not connected yet', 'try again');
  let told: string | undefined;
  let refreshing: Promise<void> | undefined;
  let cancelNext = (): void => undefined;
  let closed = false;

  const memberAt = (address: RedisAddress): Member => {
    const key = addressName(address);
    const member = members.get(key) ?? { address, shard: options.createShard(address) };
    members.set(key, member);
    return member;
  };

  /** CLUSTER SLOTS of whoever answers first: those that we are connected to, then the rest. */
  const askSlots = async (): Promise<SlotRange[]> => {
    for (const { address, shard } of members.values()) {
      if (!shard.isUp()) continue;
      const ranges = await shard
        .run(async (node) => readSlots(await node.run(['CLUSTER', 'SLOTS']), address))
        .catch(() => []);
      if (Array.isArray(ranges) && ranges.length > 0) return ranges;
    }
    const others = new Map([...members.values()].map(({ address }) => [addressName(address), address]));
    for (const seed of seeds) others.set(addressName(seed), seed);
    for (const address of others.values()) {
      try {
        const node = await options.open(address);
        try {
          const ranges = readSlots(await node.run(['CLUSTER', 'SLOTS']), address);
          if (ranges.length > 0) return ranges;
          failure = unavailable(node.name, 'belongs to a cluster without slots', 'see CLUSTER INFO');
        } finally {
          await node.close();
        }
      } catch (error) {
        if (error instanceof SwobError) failure = error;
        else if (!(error instanceof RedisReplyError)) throw error;
      }
    }
    throw failure;
  };

  const take = async (ranges: readonly SlotRange[]): Promise<void> => {
    owners.fill(undefined);
    for (const { from, to, master } of ranges) owners.fill(memberAt(master), from, to + 1);
    const left = new Set(owners);
    const gone = [...members].filter(([, member]) => !left.has(member));
    for (const [key] of gone) members.delete(key);
    await Promise.all([...members.values()].map(({ shard }) => shard.first));
    options.onChange();
    for (const { shard } of members.values()) shard.recover();
    // After the change, which takes the channels of those who are gone to others.
    await Promise.all(gone.map(([, { shard }]) => shard.close()));
  };

  const isUp = (): boolean =>
    owners.every((member) => member !== undefined) &&
    [...members.values()].every(({ shard }) => shard.isUp());

  const refreshNow = async (): Promise<void> => {
    try {
      await take(await askSlots());
      told = undefined;
    } catch (error) {
      if (!(error instanceof SwobError)) throw error;
      if (!closed && told !== error.message) {
        log.warn({ redis: name, reason: error.message }, 'cannot use Redis; trying again and again');
      }
      told = error.message;
    }
    refreshIn(isUp() ? settledMs : brokenMs);
  };
  const refreshIn = (ms: number): void => {
    cancelNext();
    if (!closed) cancelNext = clock.after(ms * (0.5 + Math.random() / 2), () => void refresh());
  };
  const refresh = (): Promise<void> => {
    if (closed) return Promise.resolve();
    cancelNext();
    refreshing ??= refreshNow().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };

  const ownerOf = (slot: number): Member => {
    const owner = owners[slot];
    if (!owner) throw members.size > 0 ? noOwner(slot) : failure;
    return owner;
  };
  const noOwner = (slot: number): SwobError =>
    unavailable(name, `has nobody for slot ${slot}`, 'see CLUSTER INFO and CLUSTER NODES');

  /** Follows the answers of nodes that no longer have the slot, or have given away a part of it. */
  const follow = async (
    key: string,
    send: (shard: Shard, work: Work) => Promise<unknown>,
    work: Work,
  ): Promise<unknown> => {
    const slot = slotOf(key);
    let member = ownerOf(slot);
    let todo = work;
    for (let redirects = 0; redirects < maxRedirects; redirects += 1) {
      try {
        return await send(member.shard, todo);
      } catch (error) {
        if (!(error instanceof RedisReplyError) || error.code === 'NOSCRIPT') throw error;
        member = memberAt(readAddress(error.address, member.address));
        const asks = error.code === 'ASK';
        todo = asks ? (node) => work(asking(node)) : work;
        if (!asks) {
          owners[slot] = member;
          void refresh();
        }
        const unreachable = await member.shard.first;
        if (unreachable && !member.shard.isUp()) throw unreachable;
      }
    }
    throw unavailable(name, `sends slot ${slot} from node to node`, 'see CLUSTER NODES');
  };

  const first = refresh().then(async () => {
    if (members.size === 0) return failure;
    const failures = await Promise.all([...members.values()].map(({ shard }) => shard.first));
    return failures.find((one) => one !== undefined);
  });

  const masters = (): Shard[] => {
    const missing = owners.indexOf(undefined);
    if (missing >= 0) ownerOf(missing);
    return [...new Set(owners)].flatMap((member) => (member ? [member.shard] : []));
  };

  return {
    run: async (key, work) => {
      if (key !== undefined) return follow(key, (shard, todo) => shard.run(todo), work);
      const shards = masters();
      return (shards.find((shard) => shard.isUp()) ?? ownerOf(0).shard).run(work);
    },
    durable: async (key, work) => follow(key, (shard, todo) => shard.durable(todo), work),
    shardOf: (channel) => owners[slotOf(channel)]?.shard,
    masters,
    isUp,
    first,
    changed: () => {
      if (!isUp()) refreshIn(brokenMs);
    },
    moved: () => refreshIn(brokenMs),
    close: async () => {
      closed = true;
      cancelNext();
      await refreshing;
      await Promise.all([...members.values()].map(({ shard }) => shard.close()));
    },
  };
}

/** The connection, with ASKING before each command, which lets it through to a slot that is being moved there. */
function asking(node: RedisNode): RedisNode {
  return {
    ...node,
    run: async (args, limitMs) => {
      const [, reply] = await Promise.all([node.run(['ASKING']), node.run(args, limitMs)]);
      return reply;
    },
  };
}
