// The adapter of `[store] url = redis://…`, including Sentinel and Cluster. Imports the client on first use.

import type { Config } from '../../config/schema.ts';
import type { RedisClient } from '../../redis/connect.ts';
import type { StoreAdapter, StoreKind } from '../adapter.ts';
import type { StoreOptions } from '../options.ts';
import { redisSettingErrors } from './settings.ts';
import { parseRedisUrl } from './url.ts';

export const redisKind: StoreKind = {
  name: 'Redis',
  form: 'redis://<host>[:<port>][/<db>]',
  matches: (url) => /^redis(?:s?:|s?\+)/.test(url),
  checkUrl: parseRedisUrl,
  ownKeys: ['user', 'password', 'password_file', 'sentinel_password', 'ca', 'replicas'],
  settingErrors: redisSettingErrors,
  createAdapter: createRedisAdapter,
};

/** Slots over which sessions are spread in a cluster; exceeds any reasonable number of masters. */
const clusterSlots = 256;

/**
 * `open` succeeds while Redis is unreachable and connects later. Throws CONFIG when a file is unreadable or Redis
 * rejects the credentials.
 */
function createRedisAdapter(config: Config): StoreAdapter {
  const url = parseRedisUrl(config.store.url);
  const { prefix, password_file: passwordFile, ca } = config.store;
  const connect = async (options: StoreOptions): Promise<RedisClient> => {
    const [{ connectRedis }, { redisOptions }] = await Promise.all([
      import('../../redis/connect.ts'),
      import('./connection-options.ts'),
    ]);
    return connectRedis(await redisOptions(config, url, options));
  };
  const files = [
    { check: 'redis password', path: passwordFile, key: '[store] password_file' },
    { check: 'redis certificates', path: ca, key: '[store] ca' },
  ];
  return {
    isShared: true,
    summary: 'shared by every swob that names it',
    configuredFiles: files.filter(({ path }) => path !== ''),
    open: async (options) => {
      const redis = await connect(options);
      const { createRedisStore } = await import('./store.ts');
      const slots = url.mode === 'cluster' ? clusterSlots : 1;
      return { store: createRedisStore({ ...options, redis, prefix, slots }), channels: redis };
    },
    openArchive: async (options) => {
      const redis = await connect(options);
      const { openRedisArchive } = await import('./archive.ts');
      return openRedisArchive({ ...options, redis, prefix });
    },
    findHolder: async () => undefined,
    inspect: async ({ clock }) => (await import('./inspect.ts')).inspectRedis(config, url, clock),
  };
}
