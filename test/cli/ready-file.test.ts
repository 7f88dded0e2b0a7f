import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeReadyFile, writeWhole } from '../../src/cli/ready-file.ts';
import { temporaryFolder } from '../support/folders.ts';

test('a ready file holds one JSON object', async () => {
  const file = join(temporaryFolder(), 'ready.json');
  await writeReadyFile(file, { url: 'http://127.0.0.1:1' });
  expect(readFileSync(file, 'utf8')).toBe('{"url":"http://127.0.0.1:1"}\n');
});

test('writing replaces the file with the mode asked for, and leaves no other behind', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'key');
  writeFileSync(file, 'old', { mode: 0o666 });
  await writeWhole(file, 'new', 0o600);
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['key']);
});

test('a write that fails says which file and leaves nothing behind', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'taken', 'inside'), { recursive: true });
  await expect(writeWhole(join(folder, 'taken'), 'x', 0o600)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(join(folder, 'taken')),
  });
  expect(readdirSync(folder)).toEqual(['taken']);
});
