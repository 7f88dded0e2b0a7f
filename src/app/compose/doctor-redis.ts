// What `swob doctor` finds about the Redis of [store]. Used by doctor.ts.

import type { Config } from '../../config/schema.ts';
import type { RedisStoreUrl } from '../../config/store-url.ts';
import type { Clock, Log } from '../../domain/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { RedisConnection } from '../../store/redis/connection/connect.ts';
import { type Finding, fail } from '../doctor/finding.ts';
import { checkRedis, type RedisFacts } from '../doctor/redis.ts';
import { redisOptions } from './redis-options.ts';

const none = (): void => undefined;
const noLog: Log = { debug: none, info: none, warn: none, error: none };

/** Never rejects for what Redis says or does. */
export async function examineRedis(config: Config, url: RedisStoreUrl, clock: Clock): Promise<Finding[]> {
  try {
    const options = await redisOptions(config, url, { clock, log: noLog });
    const { connectRedis } = await import('../../store/redis/connection/connect.ts');
    const redis = await connectRedis(options);
    try {
      const facts = await Promise.all(redis.masters().map(factsOf));
      return facts.flatMap((one) => checkRedis(one, config.store.replicas));
    } finally {
      await redis.close();
    }
  } catch (error) {
    return [fail('redis', messageOf(error), 'nobody can pair, and nothing is kept, until this is mended')];
  }
}

async function factsOf({ name, run }: ReturnType<RedisConnection['masters']>[number]): Promise<RedisFacts> {
  const info = async (section: string, field: string): Promise<string | undefined> => {
    const text = await allowed(() => run(['INFO', section]));
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(String(text))?.[1];
  };
  const setting = async (key: string): Promise<string | undefined> => {
    const answer: Record<string, unknown> = Object(await allowed(() => run(['CONFIG', 'GET', key])));
    const value = answer[key];
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

/** Undefined when our user, or a hosting provider, does not allow it. */
async function allowed(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SwobError && error.code !== 'UNAVAILABLE') return undefined;
    throw error;
  }
}
