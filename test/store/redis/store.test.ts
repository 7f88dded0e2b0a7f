// The contract on one server, as the Redis user of docs/many-machines.md, whose permissions suffice for everything that a
// store does.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRedisArchive } from '../../../src/store/redis/archive.ts';
import { entry } from '../../contract/outboxes.ts';
import { seed, storeContract, storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { messageOf } from '../../support/outgoing-messages.ts';
import { redisForFile } from '../../support/redis.ts';
import { sharedConnection } from '../../support/redis-client.ts';
import { contractStores, newPrefix } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const page = readFileSync('docs/many-machines.md', 'utf8');
const command = /^redis-cli -p 6380 acl setuser .*?(?=^```)/ms.exec(page)?.[0] ?? '';
let isRun = false;
const shared = sharedConnection(() => redis().url, { user: 'swob', password: 'change-me' });

/** The first call grants the permissions by the command of the page. */
const connection = () => {
  if (!isRun) execFileSync('sh', ['-c', command.replace('6380', String(redis().port))], { stdio: 'ignore' });
  isRun = true;
  return shared();
};
storeContract('Redis', contractStores(connection, 'swob:'));

test('its permissions suffice to export the store and import it elsewhere', async () => {
  const options = {
    ...storeOptions(createFakeClock()),
    redis: await shared(),
    prefix: `swob:${newPrefix()}`,
  };
  const archive = openRedisArchive(options);
  const records = [
    { kind: 'users', record: user },
    { kind: 'seeds', record: seed },
    { kind: 'inbound', record: entry },
    { kind: 'clients', record: { msisdn: '+1', lastDeliveryAt: 1 } },
    { kind: 'tests', record: { id: 1_000_000_000, msisdn: '+1', startedAt: 1 } },
    { kind: 'messages', record: messageOf(options.clock.now()) },
  ] as const;
  for (const record of records) await archive.restore(record);
  const found = [];
  for await (const record of archive.records()) found.push(record.kind);
  expect(found.sort()).toEqual(['clients', 'inbound', 'messages', 'seeds', 'tests', 'users']);
  expect(await archive.count()).toMatchObject({ users: 1, seeds: 1, inbound: 1 });
});

test('no command was denied meanwhile', async () => {
  expect(isRun).toBe(true);
  expect(await redis().call('acl', 'log')).toBe('');
});
