// The checks of `swob doctor` for the Redis of [store]. Used by adapter.ts.

import type { Config } from '../../config/schema.ts';
import { newUuid } from '../../crypto/random.ts';
import type { NodeEntry } from '../../domain/monitoring/model.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { type Finding, fail, ok } from '../../lib/finding.ts';
import type { RedisClient } from '../../redis/connect.ts';
import { redisOptions } from './connection-options.ts';
import { checkNodeNames, checkRedis, type RedisFacts } from './findings.ts';
import { createRedisMonitoring } from './monitoring.ts';
import { probeWrites } from './probe.ts';
import { createKeySpace, createScriptRunner } from './script.ts';
import type { RedisStoreUrl } from './url.ts';

/** Nodes that were heard from within this time are inspected. */
const seenMs = 60_000;
const none = (): void => undefined;
const noLog: Log = { debug: none, info: none, warn: none, error: none };

/** Problems with Redis are findings, not rejections. */
export async function inspectRedis(config: Config, url: RedisStoreUrl, clock: Clock): Promise<Finding[]> {
  try {
    const options = await redisOptions(config, url, { clock, log: noLog });
    const { connectRedis } = await import('../../redis/connect.ts');
    const redis = await connectRedis(options);
    try {
      const facts = await Promise.all(redis.masters().map(readFacts));
      const nodes = await unlessForbidden(() => nodesOf(redis, config.store.prefix));
      return [
        ...facts.flatMap((one) => checkRedis(one, config.store.replicas)),
        await checkWrites(redis, config.store.prefix, facts.length),
        ...checkNodeNames(nodes ?? []),
      ];
    } finally {
      await redis.close();
    }
  } catch (error) {
    return [
      fail('redis', messageOf(error), 'until Redis can be used, no phone can pair and no message is kept'),
    ];
  }
}

async function readFacts({ name, run }: ReturnType<RedisClient['masters']>[number]): Promise<RedisFacts> {
  const info = async (section: string, field: string): Promise<string | undefined> => {
    const text = await unlessForbidden(() => run(['INFO', section]));
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(String(text))?.[1];
  };
  const setting = async (key: string): Promise<string | undefined> => {
    const reply: Record<string, unknown> = Object(await unlessForbidden(() => run(['CONFIG', 'GET', key])));
    const value = reply[key];
    return typeof value === 'string' ? value : undefined;
  };
  const replicas = await info('replication', 'connected_slaves');
  return {
    name,
    version: await info('server', 'redis_version'),
    replicas: replicas === undefined ? undefined : Number(replicas),
    appendonly: await setting('appendonly'),
    appendfsync: await setting('appendfsync'),
    maxmemoryPolicy: await setting('maxmemory-policy'),
  };
}

/** Also when our user may not read why Redis refuses writes: it is full, lacks replicas, or cannot write to its disk. */
async function checkWrites(redis: RedisClient, prefix: string, masters: number): Promise<Finding> {
  const check = 'redis writes';
  try {
    await probeWrites(createScriptRunner(redis), createKeySpace(prefix), `doctor-${newUuid()}`, masters);
    return ok(check, 'a durable write succeeds');
  } catch (error) {
    return fail(check, messageOf(error), 'until it takes writes, no phone can pair and no message is kept');
  }
}

function nodesOf(redis: RedisClient, prefix: string): Promise<NodeEntry[]> {
  const [keys, runner] = [createKeySpace(prefix), createScriptRunner(redis)];
  const bounds = { maxNodes: 1, nodeTtlMs: seenMs, historyTtlMs: seenMs };
  return createRedisMonitoring({ redis: runner, keys, now: () => '', bounds }).nodes();
}

/** Undefined when the permissions of our user, or a hosting provider, forbid the command. */
async function unlessForbidden<T>(command: () => Promise<T>): Promise<T | undefined> {
  try {
    return await command();
  } catch (error) {
    if (error instanceof SwobError && error.code !== 'UNAVAILABLE') return undefined;
    throw error;
  }
}
