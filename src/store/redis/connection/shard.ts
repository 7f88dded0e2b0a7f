// One master with the connections that we have to it: for commands, for writes that wait for replicas, and for
// subscriptions. Used by topology.ts and cluster.ts.

import type { Clock, Log } from '../../../domain/ports.ts';
import type { SwobError } from '../../../errors.ts';
import { RedisReplyError, unavailable } from './failure.ts';
import { keepLink, type Link } from './link.ts';
import type { RedisNode } from './node.ts';

/** What is done with a connection; it may be one command or several. */
export type Work = (node: RedisNode) => Promise<unknown>;

export interface ShardOptions {
  readonly name: string;
  /** `slackMs` as with `openNode`. */
  readonly open: (slackMs: number) => Promise<RedisNode>;
  readonly replicas: number;
  readonly replicaTimeoutMs: number;
  readonly timeoutMs: number;
  /** Writes that may wait for those before them. */
  readonly maxWaiting: number;
  /** One of the connections is up (again), or down. */
  readonly onChange: () => void;
  /** Another master has something that this one had. */
  readonly onMoved: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Shard {
  readonly name: string;
  run(work: Work): Promise<unknown>;
  /** Resolves when enough replicas have what `work` wrote. Throws UNAVAILABLE when they do not in time. */
  durable(work: Work): Promise<unknown>;
  /** Kept over every new connection. Resolves when it is confirmed; what it throws says why it is not so far. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  unsubscribe(channel: string): void;
  /** Tries again what was not confirmed. */
  recover(): void;
  isUp(): boolean;
  /** Resolves when the first attempt to connect has ended, with its failure if it failed. */
  readonly first: Promise<SwobError | undefined>;
  close(): Promise<void>;
}

interface Waiting {
  readonly work: Work;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function createShard(options: ShardOptions): Shard {
  const { name, replicas, replicaTimeoutMs, timeoutMs, clock, log, onChange } = options;
  const channels = new Map<string, (message: string) => void>();
  // One line for each outage is enough.
  const quiet: Log = { ...log, info: () => undefined, warn: (fields, message) => log.debug(fields, message) };

  const commands = keepLink({
    name,
    open: () => options.open(0),
    onChange,
    clock,
    log,
  });
  // Apart from the others, because WAIT holds up everything that comes after it on its connection.
  const writes =
    replicas === 0
      ? commands
      : keepLink({ name, open: () => options.open(replicaTimeoutMs), onChange, clock, log: quiet });
  // Apart as well: the client takes a channel that a server ends by itself for the answer to a command under way.
  let subscriptions: Link | undefined;
  /** Of the connection that is up. */
  let confirmed = new Set<string>();
  /** @returns why this master did not confirm it: another one has the channel now */
  const subscribeOn = async (node: RedisNode, channel: string): Promise<SwobError | undefined> => {
    const listener = channels.get(channel);
    if (!listener) return undefined;
    try {
      await node.subscribe(channel, listener);
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      options.onMoved();
      return unavailable(name, 'no longer has this channel', 'swob asks who has it', error);
    }
    if (channels.has(channel)) confirmed.add(channel);
    else await node.unsubscribe(channel, listener);
    return undefined;
  };
  const subscribeMissing = async (node: RedisNode): Promise<void> => {
    const missing = [...channels.keys()].filter((channel) => !confirmed.has(channel));
    await Promise.all(missing.map((channel) => subscribeOn(node, channel)));
  };
  const recover = (): void => {
    if (subscriptions?.isUp()) subscribeMissing(subscriptions.node()).catch(noop);
  };
  const listen = (): Link =>
    keepLink({
      name,
      open: () => options.open(0),
      prepare: (node) => {
        confirmed = new Set();
        return subscribeMissing(node);
      },
      onChange: (isUp) => {
        onChange();
        // Those that came while it was prepared.
        if (isUp) recover();
      },
      clock,
      log: quiet,
    });

  let waiting: Waiting[] = [];
  let writing = false;
  /** Together: one WAIT stands for every write before it on the connection. */
  const writeAll = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const node = writes.node();
      const results = await Promise.allSettled(batch.map(({ work }) => work(node)));
      const written = results.some(({ status }) => status === 'fulfilled');
      const have = written ? Number(await waitFor(node)) : replicas;
      for (const [index, result] of results.entries()) {
        if (result.status === 'rejected') batch[index]?.reject(result.reason);
        else if (have < replicas) batch[index]?.reject(tooFew(node.name, have));
        else batch[index]?.resolve(result.value);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  const waitFor = (node: RedisNode): Promise<unknown> =>
    node.run(['WAIT', String(replicas), String(replicaTimeoutMs)], timeoutMs + replicaTimeoutMs);
  const tooFew = (node: string, have: number): SwobError =>
    unavailable(
      node,
      `has written it, but ${have} of ${replicas} replicas have it after ${replicaTimeoutMs} ms`,
      'see INFO replication, or change [store] replicas or replica_timeout',
    );
  const writeOn = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await writeAll(batch);
    }
    writing = false;
  };

  return {
    name,
    run: async (work) => work(commands.node()),
    durable: async (work) => {
      if (replicas === 0) return work(commands.node());
      // Nobody waits for a connection.
      writes.node();
      if (waiting.length >= options.maxWaiting) {
        throw unavailable(name, `owes ${waiting.length} writes their replicas`, 'see INFO replication');
      }
      return new Promise((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        if (!writing) void writeOn();
      });
    },
    subscribe: async (channel, listener) => {
      channels.set(channel, listener);
      subscriptions ??= listen();
      // A new link subscribes to everything by itself.
      await subscriptions.first;
      const node = subscriptions.node();
      const failure = confirmed.has(channel) ? undefined : await subscribeOn(node, channel);
      if (failure) throw failure;
    },
    recover,
    unsubscribe: (channel) => {
      const listener = channels.get(channel);
      channels.delete(channel);
      confirmed.delete(channel);
      if (listener && subscriptions?.isUp()) subscriptions.node().unsubscribe(channel, listener).catch(noop);
    },
    isUp: () => commands.isUp() && writes.isUp() && (subscriptions?.isUp() ?? true),
    first: Promise.all([commands.first, writes.first]).then((failures) =>
      failures.find((failure) => failure !== undefined),
    ),
    close: async () => {
      await Promise.all([...new Set([commands, writes, subscriptions])].map((link) => link?.close()));
    },
  };
}

function noop(): void {}
