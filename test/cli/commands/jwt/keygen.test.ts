// `swob jwt keygen`: creates a key pair or a secret.

import { existsSync } from 'node:fs';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/folders.ts';
import { runCommand } from '../../command-line.ts';
import { parse } from './keys.ts';

describe('keygen', () => {
  test('creates a pair that signs and verifies, with modes for the owner only and for the group', async () => {
    const folder = join(temporaryFolder(), 'new');
    const [privateFile, publicFile] = [join(folder, 'private.pem'), join(folder, 'public.pem')];
    const made = await runCommand(['jwt', 'keygen', '--dir', folder]);
    expect(made).toEqual({ exit: 0, stdout: `${privateFile}\n${publicFile}\n`, stderr: '' });
    expect((await stat(privateFile)).mode & 0o777).toBe(0o600);
    expect((await stat(publicFile)).mode & 0o777).toBe(0o440);

    const { stdout: token } = await runCommand(['jwt', 'mint', '--key', privateFile, '--sub', 'user']);
    expect((await runCommand(['jwt', 'verify', '-', '--key', publicFile], { stdin: token })).exit).toBe(0);
  });

  test('accepts file names, and prints them as JSON', async () => {
    const folder = temporaryFolder();
    const files = { private: join(folder, 'a', 'k'), public: join(folder, 'b', 'k') };
    const argv = ['--json', 'jwt', 'keygen', '--private', files.private, '--public', files.public];
    expect(parse((await runCommand(argv)).stdout)).toEqual(files);
    expect(await readFile(files.public, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  });

  test('never replaces a file or follows a link, and leaves no incomplete pair behind', async () => {
    for (const name of ['private.pem', 'public.pem']) {
      const folder = temporaryFolder();
      const [taken, target] = [join(folder, name), join(folder, 'target')];
      await symlink(target, taken);
      const made = await runCommand(['jwt', 'keygen', '--dir', folder]);
      expect(made.exit).toBe(1);
      expect(made.stderr).toBe(`swob: ${taken} already exists; move it away, or choose another file\n`);
      expect(existsSync(target)).toBe(false);
      const others = ['private.pem', 'public.pem'].filter((file) => file !== name);
      for (const file of others) expect(existsSync(join(folder, file))).toBe(false);
    }
  });

  test.each([
    [['--dir', 'x', '--private', 'y'], '--dir excludes --private and --public'],
    [['--private', 'y'], '--private and --public belong together'],
    [['--bits', '1024'], 'Expected a number from 2048 to 8192'],
    [['--bits', '9000'], 'Expected a number from 2048 to 8192'],
  ])('%j is a wrong command line', async (options, message) => {
    const { exit, stderr } = await runCommand(['jwt', 'keygen', ...options]);
    expect([exit, stderr]).toEqual([64, expect.stringContaining(message)]);
  });

  test('reports a folder that cannot be written', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const { exit, stderr } = await runCommand(['jwt', 'keygen', '--dir', join(folder, 'file')]);
    expect([exit, stderr]).toEqual([78, expect.stringMatching(/cannot write .*; choose another folder/)]);
  });
});
