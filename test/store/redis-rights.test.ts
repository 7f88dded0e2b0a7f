// The rights that docs/many-machines.md gives the user of Redis are enough for all that a store does.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
import { createRedisStore } from '../../src/store/redis/store.ts';
import { storeContract } from '../contract/store.ts';
import { redisForFile } from '../support/redis.ts';
import { sharedConnection } from '../support/redis-client.ts';
import { newPrefix, timeOf } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const page = readFileSync('docs/many-machines.md', 'utf8');
const command = /^redis-cli -p 6379 acl setuser .*?(?=^```)/ms.exec(page)?.[0] ?? '';
let isRun = false;
const shared = sharedConnection(() => redis().url, { user: 'swob', password: 'change-me' });

storeContract('Redis with a user of few rights', async (options) => {
  execFileSync('sh', ['-c', command.replace('6379', String(redis().port))], { stdio: 'ignore' });
  isRun = true;
  return createRedisStore({
    ...options,
    redis: await shared(),
    prefix: `swob:${newPrefix()}`,
    slots: 1,
    now: timeOf(options.clock),
  });
});

// Before the server is stopped: the last hook runs first.
afterAll(async () => {
  if (isRun) expect(await redis().cli('acl', 'log')).toBe('');
});
