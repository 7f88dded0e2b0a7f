// Parcels in Redis. Those that are due go through a stream with a consumer group: a node claims them, and when it dies
// another one takes them over.

import type { Parcel } from '../../domain/model.ts';
import type { Clock, Log, OutboxStore } from '../../domain/ports.ts';
import { messageOf, type SwobError } from '../../errors.ts';
import { isParcel, type Shape } from '../shapes.ts';
import type { RedisScript } from './connection/connect.ts';
import { scripts } from './outbox-scripts.ts';
import { readRecord, readRecords } from './records.ts';
import type { KeySpace, Redis, Timed } from './script.ts';

export interface RedisOutboxOptions<T> {
  readonly redis: Redis;
  readonly keys: KeySpace;
  readonly now: Timed;
  readonly clock: Clock;
  readonly log: Log;
  readonly kind: 'inbound' | 'callbacks';
  readonly isContent: Shape<T>;
  readonly max: number;
  /** Why a new parcel is refused. */
  readonly full: (max: number) => SwobError;
  /** The name of this node in the consumer group; another one after each start. */
  readonly consumer: string;
  /** Milliseconds after which the claims of a node that is silent are another's. */
  readonly leaseMs: number;
}

export interface RedisOutbox<T> {
  readonly store: OutboxStore<T>;
  /** Gives back what is claimed. */
  close(): Promise<void>;
}

export function createRedisOutbox<T>(options: RedisOutboxOptions<T>): RedisOutbox<T> {
  const { redis, keys, clock, log, kind, max, full, consumer, leaseMs } = options;
  const isWhole = isParcel(options.isContent);
  const names = outboxKeys(keys, kind);
  /** Ours, as far as we know. */
  const claimed = new Set<string>();
  const run = parcelScripts(redis.run, names, options);
  const durable = parcelScripts(redis.durable, names, options);
  const isYes = (reply: unknown): boolean => reply === 1;

  const renew = async (): Promise<void> => {
    if (claimed.size === 0) return;
    const ids = [...claimed];
    const lost: unknown = await run(scripts.renew, consumer, ...ids);
    for (const id of Array.isArray(lost) ? lost : []) claimed.delete(String(id));
  };
  const stopRenewing = clock.every(Math.ceil(leaseMs / 3), () => {
    renew().catch((error: unknown) =>
      log.debug({ kind, reason: messageOf(error) }, 'claims were not renewed'),
    );
  });

  const put = async (parcel: Parcel<T>): Promise<void> => {
    await putParcel(durable, parcel, { max, full });
    claimed.delete(parcel.id);
  };
  const putOff = async (id: string, until: number): Promise<void> => {
    // Whether or not it succeeds: a claim that is not renewed runs out.
    claimed.delete(id);
    await run(scripts.putOff, id, consumer, until);
  };

  const store: OutboxStore<T> = {
    get: async (id) => readRecord('parcel', isWhole, await run(scripts.get, id)),
    put,
    remove: async (id) => {
      await durable(scripts.remove, id);
      claimed.delete(id);
    },
    discard: async (id) => isYes(await durable(scripts.discard, id)),
    claim: async (until, limit) => {
      if (limit <= 0) return [];
      const reply: unknown = await run(scripts.claim, until, limit, consumer, leaseMs);
      // What ran out and comes back to us is still under way here.
      const ids = (Array.isArray(reply) ? reply.map(String) : []).filter((id) => !claimed.has(id));
      for (const id of ids) claimed.add(id);
      return ids;
    },
    settle: async (id, next) => {
      const args = next ? [JSON.stringify(next), ...placeOf(next)] : [];
      try {
        return isYes(await durable(scripts.settle, id, consumer, ...args));
      } finally {
        claimed.delete(id);
      }
    },
    putOff,
    nextDue: async () => {
      const reply = await run(scripts.nextDue);
      return reply === null ? undefined : Number(reply);
    },
    failed: async (limit) =>
      limit <= 0 ? [] : readRecords('parcel', isWhole, log, await run(scripts.failed, limit)),
    count: async () => {
      const reply: unknown = await run(scripts.count);
      const [all = 0, failed = 0] = Array.isArray(reply) ? reply.map(Number) : [];
      return { waiting: all - failed, failed };
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

/** Runs a script of outbox-scripts.ts, which every node tells the time that it has. */
type ParcelScripts = (script: RedisScript, ...args: readonly (string | number)[]) => Promise<unknown>;

export function parcelScripts(
  run: Redis['run'],
  names: ReturnType<typeof outboxKeys>,
  { now, clock }: { readonly now: Timed; readonly clock: Pick<Clock, 'now'> },
): ParcelScripts {
  return (script, ...args) => run(script, names, [now(), clock.now(), ...args]);
}

/** Adds or replaces; whoever has claimed it has it no more. Throws what `full` says when a new one finds no room. */
export async function putParcel(
  durable: ParcelScripts,
  parcel: Parcel<unknown>,
  { max, full }: Pick<RedisOutboxOptions<unknown>, 'max' | 'full'>,
): Promise<void> {
  const outcome = await durable(scripts.put, parcel.id, JSON.stringify(parcel), ...placeOf(parcel), max);
  if (outcome === 'full') throw full(max);
}

function placeOf({ dueAt, since }: Parcel<unknown>): [state: 'waiting' | 'failed', at: number] {
  return dueAt === null ? ['failed', since] : ['waiting', dueAt];
}

/** Parcels by id; when they are due; since when they are given up; what is due; the entries there by parcel id. */
export function outboxKeys(
  keys: KeySpace,
  kind: string,
): readonly [parcels: string, waiting: string, failed: string, due: string, entries: string] {
  const named = (part: string): string => keys.together(kind, part);
  return [named('parcels'), named('waiting'), named('failed'), named('due'), named('entries')];
}
