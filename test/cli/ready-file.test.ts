import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkWritable, prepareReadyFile, writeFileAtomic } from '../../src/cli/ready-file.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { asOtherUser } from '../support/other-user.ts';

test('a ready file holds one JSON object and is removed completely', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'ready.json');
  const ready = await prepareReadyFile(file);
  expect(readdirSync(folder)).toEqual([]);
  await ready.write({ url: 'http://127.0.0.1:1' });
  expect(readFileSync(file, 'utf8')).toBe('{"url":"http://127.0.0.1:1"}\n');
  await ready.remove();
  expect(readdirSync(folder)).toEqual([]);
  await ready.remove();
});

test('the ready file of an earlier run is removed before this one is ready', async () => {
  const file = join(temporaryFolder(), 'ready.json');
  writeFileSync(file, 'old');
  await prepareReadyFile(file);
  expect(existsSync(file)).toBe(false);
});

test('a ready file that another run has replaced is not removed', async () => {
  const file = join(temporaryFolder(), 'ready.json');
  const ready = await prepareReadyFile(file);
  await ready.write({ url: 'mine' });
  writeFileSync(file, 'theirs');
  await ready.remove();
  expect(readFileSync(file, 'utf8')).toBe('theirs');
});

test('an unwritable ready file is a configuration error at the start', async () => {
  const folder = temporaryFolder();
  for (const file of [join(folder, 'nowhere', 'ready.json'), folder]) {
    await expect(prepareReadyFile(file)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining(`cannot write ${file}: `),
    });
  }
});

test("another user's file in a folder such as /tmp is refused before any work begins", async (context) => {
  needs(context, { root: true });
  const fileIn = (folder: string): string => join(folder, 'ready.json');
  await asOtherUser(
    (folder) => {
      writeFileSync(fileIn(folder), 'old');
      chmodSync(folder, 0o1777);
    },
    async (folder) => {
      const refused = { code: 'CONFIG', message: expect.stringContaining('it belongs to another user') };
      await expect(prepareReadyFile(fileIn(folder))).rejects.toMatchObject(refused);
      await expect(checkWritable(fileIn(folder), 'CONFIG')).rejects.toMatchObject(refused);
      await checkWritable(join(folder, 'other.json'), 'CONFIG');
    },
  );
});

test('checking whether a file can be written changes neither it nor its folder', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'key'), 'old');
  await checkWritable(join(folder, 'key'), 'UNAVAILABLE');
  expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['key']);
});

test('writing replaces the file with the given mode and leaves no other file', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'key');
  writeFileSync(file, 'old', { mode: 0o666 });
  await writeFileAtomic(file, 'new', 0o600);
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['key']);
});

test('a failed write names the file and leaves nothing behind', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'taken', 'inside'), { recursive: true });
  await expect(writeFileAtomic(join(folder, 'taken'), 'x', 0o600)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(join(folder, 'taken')),
  });
  expect(readdirSync(folder)).toEqual(['taken']);
});
