// Gateway clients that have delivered SMS, in Redis: a sorted set of their numbers by the time of the last delivery.

import type { DeliveringClient } from '../../domain/seeds/model.ts';
import type { DeliveringClientStore } from '../../domain/seeds/ports.ts';
import { coalesceNext } from '../../lib/coalesce-next.ts';
import {
  decodeId,
  encodeId,
  type KeySpace,
  type NowArgument,
  type ScriptRunner,
  timedScript,
} from './script.ts';

/** Deliveries per call, well below the limit of arguments of a script. */
const pageSize = 1_000;

export interface RedisClientsOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly clients: { readonly max: number };
}

export function createRedisClients({
  redis,
  keys,
  now,
  clients,
}: RedisClientsOptions): DeliveringClientStore {
  const names = [keys.grouped('clients', 'delivered')];
  const list = async (): Promise<DeliveringClient[]> => {
    const reply = await redis.run(scripts.list, names, [now()]);
    const texts = Array.isArray(reply) ? reply.map(String) : [];
    const found: DeliveringClient[] = [];
    for (let at = 0; at + 1 < texts.length; at += 2) {
      found.push({ msisdn: decodeId(texts[at] ?? ''), lastDeliveryAt: Number(texts[at + 1]) });
    }
    return found;
  };
  const listOnce = coalesceNext(list);
  return {
    record: async (deliveries) => {
      for (let start = 0; start < deliveries.length; start += pageSize) {
        const args = deliveries
          .slice(start, start + pageSize)
          .flatMap(({ msisdn, lastDeliveryAt }) => [lastDeliveryAt, encodeId(msisdn)]);
        await redis.durable(scripts.record, names, [now(), clients.max, ...args]);
      }
    },
    list: async () => listOnce(undefined),
  };
}

/** KEYS: the sorted set. */
const scripts = {
  /** ARGV: now, maximum of clients, then time and number of each delivery. */
  record: timedScript(
    'record deliveries',
    1,
    `
for at = 3, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[at], ARGV[at + 1]) end
local surplus = redis.call('ZCARD', KEYS[1]) - ARGV[2]
if surplus > 0 then redis.call('ZPOPMIN', KEYS[1], surplus) end`,
  ),
  /** ARGV: now. */
  list: timedScript('list deliveries', 1, `return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')`),
} as const;
