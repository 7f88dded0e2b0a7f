// What an import says when file or store change under its hands.

import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Porter, Progress } from '../../src/app/compose/store-archive.ts';
import { importStore } from '../../src/app/compose/store-import.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ArchivedRecord } from '../../src/store/archive.ts';
import { user } from '../contract/store.ts';
import { newPrefix } from '../store/redis-support.ts';
import { fileOf } from '../support/archives.ts';
import { createFakeClock } from '../support/fake-clock.ts';
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

/** `meanwhile` runs when a step has come to its end. */
function importWith(
  meanwhile: Partial<Record<Parameters<Progress>[0], () => void>>,
  url = '',
  merge = false,
) {
  const empty = join(folder, 'conf.ini');
  writeFileSync(empty, '');
  const prefix = newPrefix();
  const overrides = [`store.url=${url || `file:${join(folder, 'data')}`}`, `store.prefix=${prefix}`];
  const { config } = loadConfig({ files: [empty], env: {}, overrides });
  const porter: Porter = {
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
    porter,
    { name: 'backup.jsonl', size, read: () => createReadStream(file) },
    merge,
  );
  return { prefix, imported };
}

test('a file that another one takes the place of is refused', async () => {
  const other = await fileOf(usersNamed('mallory'));
  const { imported } = importWith({ checking: () => writeFileSync(file, other) });
  await expect(imported).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining(
      'backup.jsonl was changed while it was imported; what was written stays',
    ),
  });
});

test('what is not there when it is read back is told', async () => {
  const users = join(folder, 'data', 'users');
  const loseOne = () => rmSync(join(users, readdirSync(users)[0] ?? ''), { recursive: true });
  await expect(importWith({ writing: loseOne }).imported).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('1 of 2 records are not in file:'),
  });
  expect(await filesIn(users)).toHaveLength(1);
});

const setIn = (key: string, value: object): void => {
  execFileSync('redis-cli', ['-p', String(redis().port), 'set', key, JSON.stringify(value)]);
};

test('nodes may change what is merged, and nobody else', async () => {
  const pairsAnew = () => setIn(`${merged.prefix}:user:bob`, { ...user, userId: 'bob', sharedKey: 'new' });
  const merged = importWith({ writing: pairsAnew }, redis().url, true);
  expect(await merged.imported).toMatchObject({ changed: 1, over: 0, counts: { users: 2 } });

  const another = () => setIn(`${refused.prefix}:user:carol`, { ...user, userId: 'carol' });
  const refused = importWith({ writing: another }, redis().url);
  await expect(refused.imported).rejects.toThrow('holds 3 users, which is more than the 2 users of the file');
});
