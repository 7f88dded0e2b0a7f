import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exampleFile } from '../../../../src/config/example.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

function fileOf(text: string): string {
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, text);
  return file;
}

describe('swob config init', () => {
  test('writes every default into a folder that it creates, for the owner only', async () => {
    const file = join(temporaryFolder(), 'confs', 'conf.ini');
    const cli = createCli();
    expect(await cli.swob('config', 'init', '-c', file)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(exampleFile());
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(cli.out.text).toBe(`wrote ${file}\n`);
  });

  test('keeps an existing file and exits with 78, unless forced', async () => {
    const file = fileOf('; mine\n');
    expect(await createCli().swob('config', 'init', '-c', file)).toBe(78);
    expect(readFileSync(file, 'utf8')).toBe('; mine\n');
    expect(await createCli().swob('config', 'init', '--force', '-c', file)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(exampleFile());
  });

  test('reports when it cannot write, and leaves nothing behind', async () => {
    const file = join(fileOf('a file, no folder'), 'conf.ini');
    const cli = createCli();
    expect(await cli.swob('config', 'init', '-c', file)).toBe(75);
    expect(cli.err.text).toContain('; name a file in another folder with --config');
    expect(existsSync(file)).toBe(false);
  });
});
