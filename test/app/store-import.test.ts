// What an import reports when the file or the store changes meanwhile.

import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Progress, TransferContext } from '../../src/app/compose/store-archive.ts';
import { importStore } from '../../src/app/compose/store-import.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ArchivedRecord } from '../../src/store/archive/archive.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { disconnectOf } from '../contract/disconnects.ts';
import { seed, storeOptions, user } from '../contract/store.ts';
import { newPrefix } from '../store/redis/support.ts';
import { fileOf } from '../support/archives.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';
import { redisForFile } from '../support/redis.ts';

const redis = redisForFile({ appendfsync: 'no' });
const usersNamed = (...names: string[]): ArchivedRecord[] =>
  names.map((userId) => ({ kind: 'users', record: { ...user, userId } }));

let folder: string;
let file: string;
beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder, 'backup.jsonl');
  writeFileSync(file, await fileOf(usersNamed('alice', 'bob')));
});

/** `meanwhile` runs when a step has ended. */
function importWith(
  meanwhile: Partial<Record<Parameters<Progress>[0], () => void>>,
  url = '',
  merge = false,
  settings: readonly string[] = [],
) {
  const empty = join(folder, 'conf.ini');
  writeFileSync(empty, '');
  const prefix = newPrefix();
  const overrides = [
    `store.url=${url || `file:${join(folder, 'data')}`}`,
    `store.prefix=${prefix}`,
    ...settings,
  ];
  const { config } = loadConfig({ files: [empty], env: {}, setOptions: overrides });
  const transfer: TransferContext = {
    config,
    clock: createFakeClock(),
    log: createMemoryLog(),
    signal: new AbortController().signal,
    progress: (step, done, total) => {
      if (done === total) meanwhile[step]?.();
    },
  };
  const { size } = statSync(file);
  const imported = importStore(
    transfer,
    { name: 'backup.jsonl', size, read: () => createReadStream(file) },
    merge,
  );
  return { prefix, imported };
}

test('a file that is replaced during the import is refused', async () => {
  const other = await fileOf(usersNamed('mallory'));
  const { imported } = importWith({ checking: () => writeFileSync(file, other) });
  await expect(imported).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining(
      'backup.jsonl was changed while it was imported; records already written stay',
    ),
  });
});

test('a record that is missing when it is verified is reported', async () => {
  const seeds = join(folder, 'data', 'seeds');
  const loseOne = () => rmSync(join(seeds, readdirSync(seeds)[0] ?? ''), { recursive: true });
  const records = ['1', '2'].map((imsi): ArchivedRecord => ({ kind: 'seeds', record: { ...seed, imsi } }));
  writeFileSync(file, await fileOf(records));
  await expect(importWith({ writing: loseOne }).imported).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('1 of 2 records in file:'),
  });
  expect(await filesIn(seeds)).toHaveLength(1);
});

test('a record of the audit trail that is missing when it is verified is reported', async () => {
  const records = [0, 1].map((n): ArchivedRecord => {
    return { kind: 'disconnects', record: disconnectOf(createFakeClock().now() - n) };
  });
  writeFileSync(file, await fileOf(records));
  const loseAll = () => rmSync(join(folder, 'data', 'disconnects', '1.ndjson'));
  await expect(importWith({ writing: loseAll }).imported).rejects.toThrow('2 of 2 records in file:');
});

test('a folder keeps a full audit trail, also when it is next opened', async () => {
  const clock = createFakeClock();
  const records = Array.from({ length: 1_000 }, (_, n): ArchivedRecord => {
    return { kind: 'disconnects', record: disconnectOf(clock.now() - 1_000 + n) };
  });
  writeFileSync(file, await fileOf([...usersNamed('a', 'b', 'c'), ...records]));
  await importWith({}, '', false, ['disconnect.audit_max=1000']).imported;
  const options = { ...auditOptions(clock, 1_000), folder: join(folder, 'data') };
  const store = await openLowdbStore(options);
  expect((await store.disconnects.list({}, { limit: 2_000 })).records).toHaveLength(1_000);
  await store.close();
});

function auditOptions(clock: FakeClock, max: number) {
  return { ...storeOptions(clock), disconnects: { ttlMs: 7_776_000_000, max, maxUntrusted: max } };
}

test('the first disconnect after an import has only the oldest of a full trail evicted', async () => {
  const clock = createFakeClock();
  const records = Array.from({ length: 100 }, (_, n) => disconnectOf(clock.now() - 100 + n));
  writeFileSync(file, await fileOf(records.map((record) => ({ kind: 'disconnects', record }))));
  await importWith({}, '', false, ['disconnect.audit_max=100']).imported;
  const store = await openLowdbStore({ ...auditOptions(clock, 100), folder: join(folder, 'data') });
  const added = disconnectOf(clock.now());
  await store.disconnects.add(added);
  const { records: found } = await store.disconnects.list({}, { limit: 200 });
  expect(found.length).toBeGreaterThan(80);
  expect(found).toEqual([added, ...records.toReversed()].slice(0, found.length));
  await store.close();
});

test('a merge of older disconnects into a full trail evicts none of the newer ones', async () => {
  const clock = createFakeClock();
  const data = join(folder, 'data');
  const newer = Array.from({ length: 90 }, (_, n) => disconnectOf(clock.now() - 90 + n));
  const first = await openLowdbStore({ ...auditOptions(clock, 100), folder: data });
  for (const record of newer) await first.disconnects.add(record);
  await first.close();
  const older = Array.from({ length: 60 }, (_, n) => disconnectOf(clock.now() - 1_000 + n));
  writeFileSync(file, await fileOf(older.map((record) => ({ kind: 'disconnects', record }))));
  await importWith({}, '', true, ['disconnect.audit_max=100']).imported;
  const store = await openLowdbStore({ ...auditOptions(clock, 100), folder: data });
  const list = async () => (await store.disconnects.list({}, { limit: 200 })).records;
  expect((await list()).slice(0, 90)).toEqual(newer.toReversed());
  const added = disconnectOf(clock.now());
  await store.disconnects.add(added);
  expect((await list()).slice(0, 81)).toEqual([added, ...newer.toReversed()].slice(0, 81));
  await store.close();
});

test('a file with more responses than any store keeps says how to get one without', async () => {
  const until = createFakeClock().now() + 1_000;
  const record = { request: 'r', body: 'b' };
  const records = Array.from({ length: 10_001 }, (_, n): ArchivedRecord => {
    return { kind: 'responses', key: `${n}`, until, record };
  });
  writeFileSync(file, await fileOf(records));
  await expect(importWith({}).imported).rejects.toThrow(
    'the file has 10001 responses, but this configuration keeps at most 10000; export them again from a store that nothing else uses meanwhile',
  );
});

const setIn = (key: string, value: object): void => {
  execFileSync('redis-cli', ['-p', String(redis().port), 'set', key, JSON.stringify(value)]);
};

test('running nodes may change merged records of a shared store only', async () => {
  const pairsAnew = () => setIn(`${merged.prefix}:user:bob`, { ...user, userId: 'bob', sharedKey: 'new' });
  const merged = importWith({ writing: pairsAnew }, redis().url, true);
  expect(await merged.imported).toMatchObject({ changed: 1, expired: 0, counts: { users: 2 } });

  const another = () => setIn(`${refused.prefix}:user:carol`, { ...user, userId: 'carol' });
  const refused = importWith({ writing: another }, redis().url);
  await expect(refused.imported).rejects.toThrow('holds 3 users, more than the 2 users of the file');
});

test.each([
  ['a folder', () => ''],
  ['Redis', () => redis().url],
])('records of the audit trail that %s no longer keeps are skipped', async (_name, url) => {
  const now = createFakeClock().now();
  const records = [89, 91].map((days): ArchivedRecord => {
    return { kind: 'disconnects', record: disconnectOf(now - days * 86_400_000) };
  });
  writeFileSync(file, await fileOf(records));
  expect(await importWith({}, url()).imported).toMatchObject({
    counts: { disconnects: 1 },
    expired: 1,
    changed: 0,
  });
});

test.each([
  ['with', 'timeout', 100],
  ['without', 'refused', 10],
] as const)(
  'a file with more disconnects %s a valid token than fit is refused',
  async (which, outcome, max) => {
    const now = createFakeClock().now();
    const records = Array.from({ length: max + 1 }, (): ArchivedRecord => {
      return { kind: 'disconnects', record: disconnectOf(now, { outcome }) };
    });
    writeFileSync(file, await fileOf(records));
    await expect(importWith({}, '', false, ['disconnect.audit_max=100']).imported).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining(
        `${max + 1} disconnects ${which} a valid token, but this configuration keeps at most ${max}; raise [disconnect] audit_max`,
      ),
    });
  },
);

test('a merge keeps a later delivery of a client, and the tests of both', async () => {
  const client = (lastDeliveryAt: number): ArchivedRecord => ({
    kind: 'clients',
    record: { msisdn: '+237650000001', lastDeliveryAt },
  });
  const reliabilityTest = (id: number): ArchivedRecord => ({
    kind: 'tests',
    record: { id, msisdn: '+237650000001', startedAt: createFakeClock().now() },
  });
  for (const [records, merge] of [
    [[client(20), reliabilityTest(1)], false],
    [[client(10), reliabilityTest(2)], true],
  ] as const) {
    writeFileSync(file, await fileOf(records));
    expect(await importWith({}, '', merge).imported).toMatchObject({
      counts: { clients: 1, tests: 1 },
      changed: 0,
    });
  }
  const store = await openLowdbStore({ ...storeOptions(createFakeClock()), folder: join(folder, 'data') });
  expect(await store.clients.list()).toEqual([{ msisdn: '+237650000001', lastDeliveryAt: 20 }]);
  expect(await store.tests.list('+237650000001')).toHaveLength(2);
  await store.close();
});
