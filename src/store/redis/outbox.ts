// Outboxes in Redis. Due entries go through a stream with a consumer group: a node claims them, and another one takes
// them over when it dies.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import type { Clock, Log, OutboxStore } from '../../domain/shared/ports.ts';
import { messageOf, type SwobError } from '../../errors.ts';
import type { RedisScript } from '../../redis/connect.ts';
import { type Guard, isOutboxEntry } from '../guards.ts';
import { scripts } from './outbox-scripts.ts';
import { readRecord, readRecords } from './records.ts';
import type { KeySpace, NowArgument, ScriptRunner } from './script.ts';

export interface RedisOutboxOptions<T> {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly clock: Clock;
  readonly log: Log;
  readonly kind: 'inbound' | 'callbacks' | 'waitingSms';
  readonly isContent: Guard<T>;
  readonly max: number;
  /** Creates the error that rejects a new entry. */
  readonly full: (max: number) => SwobError;
  /** This node's name in the consumer group; different after each start. */
  readonly consumer: string;
  /** Milliseconds after which other nodes may take over the claims of a silent node. */
  readonly leaseMs: number;
}

export interface RedisOutbox<T> {
  readonly store: OutboxStore<T>;
  /** Returns all claims. */
  close(): Promise<void>;
}

export function createRedisOutbox<T>(options: RedisOutboxOptions<T>): RedisOutbox<T> {
  const { redis, keys, clock, log, kind, max, full, consumer, leaseMs } = options;
  const isWhole = isOutboxEntry(options.isContent);
  const names = outboxKeys(keys, kind);
  /** The claims of this node as far as it knows. */
  const claimed = new Set<string>();
  const run = entryScripts(redis.run, names, options);
  const durable = entryScripts(redis.durable, names, options);
  const isYes = (reply: unknown): boolean => reply === 1;

  const renew = async (): Promise<void> => {
    if (claimed.size === 0) return;
    const ids = [...claimed];
    const lost: unknown = await run(scripts.renew, consumer, ...ids);
    for (const id of Array.isArray(lost) ? lost : []) claimed.delete(String(id));
  };
  const stopRenewing = clock.every(Math.ceil(leaseMs / 3), () => {
    renew().catch((error: unknown) =>
      log.debug({ kind, reason: messageOf(error) }, 'could not renew claims'),
    );
  });

  const put = async (entry: OutboxEntry<T>): Promise<void> => {
    await putEntry(durable, entry, { max, full });
    claimed.delete(entry.id);
  };
  const putOff = async (id: string, until: number): Promise<void> => {
    // Removed even if the script fails, because a claim that is not renewed expires.
    claimed.delete(id);
    await run(scripts.postpone, id, consumer, until);
  };

  const get = async (id: string, read: typeof run = run): Promise<OutboxEntry<T> | undefined> =>
    readRecord('entry', isWhole, await read(scripts.get, id));

  const list = async (
    script: RedisScript,
    limit: number,
    ...args: readonly (string | number)[]
  ): Promise<OutboxEntry<T>[]> =>
    limit <= 0 ? [] : readRecords('entry', isWhole, log, await run(script, limit, ...args));

  const store: OutboxStore<T> = {
    get: (id) => get(id),
    // WAIT covers everything that the master wrote before the read. Most SMS have no entry and wait for no replica.
    getDurable: async (id) => ((await get(id)) ? get(id, durable) : undefined),
    put,
    remove: async (id) => {
      await durable(scripts.remove, id);
      claimed.delete(id);
    },
    removeDeadLetter: async (id, since) => isYes(await durable(scripts.removeDeadLetter, id, since ?? '')),
    replaceDeadLetter: async (entry, since) =>
      isYes(await durable(scripts.replaceDeadLetter, entry.id, since, jsonOf(entry), ...placeOf(entry))),
    claim: async (until, limit) => {
      if (limit <= 0) return [];
      const reply: unknown = await run(scripts.claim, until, limit, consumer, leaseMs);
      // An expired claim of this node that it gets again is still in progress here.
      const ids = (Array.isArray(reply) ? reply.map(String) : []).filter((id) => !claimed.has(id));
      for (const id of ids) claimed.add(id);
      return ids;
    },
    putClaimed: async (entry) => {
      const { id } = entry;
      // Written without WAIT, as it is for a crash of this process only; acknowledgements rely on `getDurable`.
      const reply = await run(scripts.putClaimed, id, jsonOf(entry), consumer, max, ...orderOf(entry));
      if (reply === 'full') throw full(max);
      if (reply === 'claimed') claimed.add(id);
      return reply === 'claimed' || reply === 'behind' ? reply : 'taken';
    },
    settle: async (id, next) => {
      const args = next ? [jsonOf(next), ...placeOf(next)] : [];
      try {
        return isYes(await durable(scripts.settle, id, consumer, ...args));
      } finally {
        claimed.delete(id);
      }
    },
    postpone: putOff,
    nextDueAt: async () => {
      const reply = await run(scripts.nextDueAt);
      return reply === null ? undefined : Number(reply);
    },
    deadLetters: (limit, offset = 0) => list(scripts.deadLetters, limit, offset),
    waiting: (limit, offset = 0) => list(scripts.waiting, limit, offset),
    countBehind: async () => Number(await run(scripts.countBehind)),
    waitingOf: (orderKey, limit) => list(scripts.waitingOf, limit, orderKey),
    countOf: async (orderKey) => Number(await run(scripts.countOf, orderKey)),
    countOfGroup: async (word) => Number(await run(scripts.countOfGroup, word)),
    count: async () => {
      const reply: unknown = await run(scripts.count);
      const [all = 0, deadLetters = 0] = Array.isArray(reply) ? reply.map(Number) : [];
      return { waiting: all - deadLetters, deadLetters };
    },
  };

  return {
    store,
    close: async () => {
      stopRenewing();
      await Promise.allSettled([...claimed].map((id) => putOff(id, clock.now())));
      await run(scripts.leave, consumer).catch(() => undefined);
    },
  };
}

/** Runs a script of outbox-scripts.ts with this node's time. */
type EntryScripts = (script: RedisScript, ...args: readonly (string | number)[]) => Promise<unknown>;

export function entryScripts(
  run: ScriptRunner['run'],
  names: ReturnType<typeof outboxKeys>,
  { now, clock }: { readonly now: NowArgument; readonly clock: Pick<Clock, 'now'> },
): EntryScripts {
  return (script, ...args) => run(script, names, [now(), clock.now(), ...args]);
}

/**
 * Adds or replaces the entry and ends any claim on it. Throws the error of `full` when a new entry exceeds the
 * maximum.
 */
export async function putEntry(
  durable: EntryScripts,
  entry: OutboxEntry<unknown>,
  { max, full }: Pick<RedisOutboxOptions<unknown>, 'max' | 'full'>,
): Promise<void> {
  const outcome = await durable(scripts.put, entry.id, jsonOf(entry), max, ...placeOf(entry));
  if (outcome === 'full') throw full(max);
}

/** Without the sequence, which the scripts insert. */
function jsonOf({ sequence: _, ...entry }: OutboxEntry<unknown>): string {
  return JSON.stringify(entry);
}

function placeOf(entry: OutboxEntry<unknown>): (string | number)[] {
  const { dueAt, since } = entry;
  return dueAt === null ? ['failed', since] : ['waiting', dueAt, ...orderOf(entry)];
}

/** The order arguments of the scripts. */
function orderOf({ dueAt, since, orderKey, sequence }: OutboxEntry<unknown>): (string | number)[] {
  return orderKey === undefined ? [] : [orderKey, Math.min(since, dueAt ?? since), sequence ?? ''];
}

/**
 * Entries by id; due times of those that can be claimed; dead letters by age; the stream of due entries; its message
 * ids by entry id; entries behind others of their order key; and as outbox-order-script.ts has them, all entries with
 * an order key and their places.
 */
export function outboxKeys(keys: KeySpace, kind: string): readonly [entries: string, ...others: string[]] {
  const named = (part: string): string => keys.grouped(kind, part);
  const others = ['waiting', 'failed', 'due', 'claims', 'followers', 'order', 'places'];
  return [named('entries'), ...others.map(named)];
}
