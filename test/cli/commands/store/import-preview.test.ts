// `swob store import --dry-run`: what it says an import would do, for a folder and for Redis, and that it changes nothing.

import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/app/system-clock.ts';
import type { ArchivedRecord } from '../../../../src/store/archive/archive.ts';
import { entry } from '../../../contract/outboxes.ts';
import { seed, user } from '../../../contract/store.ts';
import { openStore } from '../../../store/lowdb/support.ts';
import { fileOf } from '../../../support/archives.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { redisForFile } from '../../../support/redis.ts';
import { sampleRecords } from '../../../support/sample-records.ts';
import { createCli } from '../../harness.ts';

const given = (now: number): ArchivedRecord[] => {
  const [seeds, , , , receipts, , , ...others] = sampleRecords(now);
  if (seeds?.kind !== 'seeds' || receipts?.kind !== 'receipts') throw new Error('other samples');
  return [
    seeds,
    { kind: 'seeds', record: { ...seed, imsi: '624010000000077' } },
    { kind: 'users', record: { ...user, sharedKey: 'another' } },
    { kind: 'inbound', record: { ...entry, id: 'other' } },
    { ...receipts, key: 'gone', until: now },
    receipts,
    // The store keeps its later delivery.
    { kind: 'clients', record: { msisdn: '+1', lastDeliveryAt: 3 } },
    ...others,
  ];
};
const none = { new: 0, equal: 0, replaced: 0, refused: 0, expired: 0 };
const expected = {
  seeds: { ...none, new: 1, equal: 1 },
  users: { ...none, replaced: 1 },
  inbound: { ...none, new: 1 },
  callbacks: none,
  receipts: { ...none, equal: 1, expired: 1 },
  responses: none,
  clients: { ...none, equal: 1 },
  tests: { ...none, equal: 1 },
  disconnects: { ...none, equal: 1 },
};

const redis = redisForFile({ appendfsync: 'no' });
let folder: string;
let file: string;
const { now } = createFakeClock();
beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder, 'given.jsonl');
  writeFileSync(file, await fileOf(sampleRecords(now())));
});

async function importInto(url: string, ...options: string[]) {
  // Redis has its own clock.
  const cli = createCli(url.startsWith('redis') ? { clock: systemClock } : {});
  const code = await cli.swob('store', 'import', file, '--set', `store.url=${url}`, ...options);
  return { code, out: cli.out.text, err: cli.err.text };
}
const inFolder = (): string => `file:${join(folder, 'store')}`;

/** Every file with its content and time. */
function bytesOf(path: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
    const { mtimeMs } = statSync(join(path, name));
    const isFile = statSync(join(path, name)).isFile();
    found[name] = `${mtimeMs} ${isFile ? readFileSync(join(path, name), 'base64') : ''}`;
  }
  return found;
}

test('counts what is new, equal, replaced and expired, and leaves each byte of the folder', async () => {
  expect((await importInto(inFolder())).code).toBe(0);
  writeFileSync(file, await fileOf(given(now())));
  const untouched = bytesOf(join(folder, 'store'));
  const { code, out, err } = await importInto(inFolder(), '--dry-run', '--merge', '--json');
  expect([code, err]).toEqual([
    0,
    `dry run: ${file} is valid; ${inFolder()} stays as it is, and an import would find these records\n`,
  ]);
  expect(JSON.parse(out)).toMatchObject({ dryRun: true, changes: expected, into: inFolder() });
  expect((await importInto(inFolder(), '--dry-run', '--merge', '-q')).out).toBe(
    [
      'records      new  equal  replaced  refused  expired',
      'seeds        1    1      0         0        0',
      'users        0    0      1         0        0',
      'inbound      1    0      0         0        0',
      'receipts     0    1      0         0        1',
      'clients      0    1      0         0        0',
      'tests        0    1      0         0        0',
      'disconnects  0    1      0         0        0\n',
    ].join('\n'),
  );
  expect(bytesOf(join(folder, 'store'))).toEqual(untouched);
  // The import does what was said.
  expect(JSON.parse((await importInto(inFolder(), '--merge', '--json')).out)).toMatchObject({ expired: 1 });
});

test('the same in Redis, whose keys stay as they are', async () => {
  const url = redis().url;
  const started = systemClock.now();
  writeFileSync(file, await fileOf(sampleRecords(started)));
  expect((await importInto(url)).code).toBe(0);
  writeFileSync(file, await fileOf(given(started)));
  const dump = async () => {
    const keys = (await redis().call('keys', '*')).trim().split('\n').toSorted();
    return Promise.all(keys.map(async (key) => [key, await redis().call('dump', key)]));
  };
  const untouched = await dump();
  expect(untouched.length).toBeGreaterThan(5);
  const { code, out } = await importInto(url, '--dry-run', '--merge', '--json');
  expect([code, JSON.parse(out)]).toMatchObject([0, { changes: expected }]);
  expect(await dump()).toEqual(untouched);
});

test('a folder that was left by a killed process keeps its incomplete line', async () => {
  expect((await importInto(inFolder())).code).toBe(0);
  const receipts = join(folder, 'store', 'receipts', '1.ndjson');
  appendFileSync(receipts, '{"key":"cut');
  const untouched = bytesOf(join(folder, 'store'));
  const { code, out } = await importInto(inFolder(), '--dry-run', '--merge', '--json');
  expect([code, JSON.parse(out)]).toMatchObject([0, { changes: { receipts: { equal: 1 } } }]);
  expect(bytesOf(join(folder, 'store'))).toEqual(untouched);
});

describe('fails as the import would', () => {
  test('without --merge on a store that is not empty, and on a damaged file', async () => {
    expect((await importInto(inFolder())).code).toBe(0);
    const { code, out, err } = await importInto(inFolder(), '--dry-run');
    expect([code, out]).toEqual([78, '']);
    expect(err).toContain('--merge adds the records of the file');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20));
    expect(await importInto(inFolder(), '--dry-run', '--merge')).toMatchObject({ code: 65, out: '' });
  });

  test('on a store in use, naming its process', async () => {
    const opened = await openStore({ folder: join(folder, 'store') });
    const { code, err } = await importInto(inFolder(), '--dry-run');
    expect(code).toBe(75);
    expect(err).toContain(`is in use by pid ${process.pid} on host`);
    await opened.store.close();
  });

  test("in another program's folder, under a file, and on a store of another version", async () => {
    expect((await importInto(`file:${folder}`, '--dry-run')).err).toContain('is not a swob store');
    expect(await importInto(`file:${file}/store`, '--dry-run')).toMatchObject({ code: 78, out: '' });
    await importInto(inFolder());
    const meta = join(folder, 'store', 'meta.json');
    for (const [format, reason] of [
      [99, 'store of format 99'],
      [2, 'a store of an earlier format, which an import would migrate first'],
    ] as const) {
      writeFileSync(meta, JSON.stringify({ format }));
      const { code, err } = await importInto(inFolder(), '--dry-run', '--merge');
      expect([code, err]).toEqual([78, expect.stringContaining(reason)]);
    }
  });

  test('when the store would refuse records, which it counts', async () => {
    expect((await importInto(inFolder())).code).toBe(0);
    writeFileSync(file, await fileOf(given(now()).filter(({ kind }) => kind === 'inbound')));
    const full = ['--merge', '--set', 'publisher.max_kept=1'];
    const { code, out, err } = await importInto(inFolder(), '--dry-run', '--json', ...full);
    expect([code, JSON.parse(out)]).toMatchObject([75, { changes: { inbound: { new: 0, refused: 1 } } }]);
    expect(err).toContain('would refuse 1 inbound');
    expect((await importInto(inFolder(), ...full)).code).toBe(75);
  });
});

test('a folder that does not exist is empty, and is not created', async () => {
  const { code, out } = await importInto(inFolder(), '--dry-run', '--json');
  expect([code, JSON.parse(out)]).toMatchObject([0, { changes: { seeds: { new: 1 }, users: { new: 1 } } }]);
  expect(existsSync(join(folder, 'store'))).toBe(false);
});
