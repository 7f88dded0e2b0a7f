// States of nodes and monitoring histories in Redis: for each a hash by node, and a sorted set of when each was last written. A
// hash and not keys of their own, so that both can be listed without a scan.

import type { NodeEntry } from '../../domain/monitoring/model.ts';
import type { MonitoringStore } from '../../domain/monitoring/ports.ts';
import { tryParseJson } from '../../lib/json.ts';
import { isNodeState, isSavedHistory } from '../guards.ts';
import type { MonitoringBounds } from '../options.ts';
import {
  decodeId,
  encodeId,
  type KeySpace,
  type NowArgument,
  type ScriptRunner,
  timedScript,
} from './script.ts';

export interface RedisMonitoringOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly bounds: MonitoringBounds;
}

export function createRedisMonitoring({ redis, keys, now, bounds }: RedisMonitoringOptions): MonitoringStore {
  const { maxNodes, nodeTtlMs, historyTtlMs } = bounds;
  const keysOf = (kind: string) => [
    keys.grouped('monitoring', kind),
    keys.grouped('monitoring', `${kind}:seen`),
  ];
  const states = keysOf('nodes');
  const histories = keysOf('histories');

  return {
    publish: async (node, state) => {
      await redis.run(scripts.put, states, [
        now(),
        nodeTtlMs,
        maxNodes,
        encodeId(node),
        JSON.stringify(state),
      ]);
    },
    nodes: async () => {
      const reply = await redis.run(scripts.list, states, [now(), nodeTtlMs]);
      return triplesOf(reply).flatMap(([name, ageMs, text]): NodeEntry[] => {
        const state = tryParseJson(text);
        return isNodeState(state) ? [{ name: decodeId(name), ageMs: Number(ageMs), state }] : [];
      });
    },
    saveHistory: async (history) => {
      const args = [encodeId(history.node), JSON.stringify(history)];
      await redis.durable(scripts.put, histories, [now(), historyTtlMs, maxNodes, ...args]);
    },
    history: async (node) => {
      const reply = await redis.run(scripts.get, histories, [now(), encodeId(node), historyTtlMs]);
      const value = typeof reply === 'string' ? tryParseJson(reply) : undefined;
      return isSavedHistory(value) ? value : undefined;
    },
    historyNodes: async () => {
      const reply = await redis.run(scripts.names, histories, [now(), historyTtlMs]);
      return Array.isArray(reply) ? reply.map((name) => decodeId(String(name))) : [];
    },
  };
}

function triplesOf(reply: unknown): [string, string, string][] {
  const texts = Array.isArray(reply) ? reply.map(String) : [];
  const triples: [string, string, string][] = [];
  for (let at = 0; at + 2 < texts.length; at += 3)
    triples.push([texts[at] ?? '', texts[at + 1] ?? '', texts[at + 2] ?? '']);
  return triples;
}

/** KEYS: the hash, the sorted set. */
const scripts = {
  /** ARGV: now, time to live, maximum of nodes, node, value. */
  put: timedScript(
    'put monitoring',
    2,
    `
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('ZADD', KEYS[2], now, ARGV[4])
local over = redis.call('ZRANGE', KEYS[2], '-inf', text(now - ARGV[2]), 'BYSCORE', 'LIMIT', 0, 100)
local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[3]
if surplus > #over then over = redis.call('ZRANGE', KEYS[2], 0, surplus - 1) end
for _, node in ipairs(over) do
  redis.call('HDEL', KEYS[1], node)
  redis.call('ZREM', KEYS[2], node)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end`,
  ),
  /** ARGV: now, time to live. Replies with node, age and value of each. */
  list: timedScript(
    'list monitoring',
    2,
    `
local found = {}
for _, node in ipairs(redis.call('ZRANGE', KEYS[2], '(' .. text(now - ARGV[2]), '+inf', 'BYSCORE', 'LIMIT', 0, 100)) do
  local value = redis.call('HGET', KEYS[1], node)
  if value then
    table.insert(found, node)
    table.insert(found, text(now - redis.call('ZSCORE', KEYS[2], node)))
    table.insert(found, value)
  end
end
return found`,
  ),
  /** ARGV: now, node, time to live. */
  get: timedScript(
    'get monitoring',
    2,
    `
local seen = redis.call('ZSCORE', KEYS[2], ARGV[2])
return seen and tonumber(seen) > now - ARGV[3] and redis.call('HGET', KEYS[1], ARGV[2])`,
  ),
  /** ARGV: now, time to live. */
  names: timedScript(
    'list histories',
    2,
    `return redis.call('ZRANGE', KEYS[2], '(' .. text(now - ARGV[2]), '+inf', 'BYSCORE', 'LIMIT', 0, 100)`,
  ),
} as const;
