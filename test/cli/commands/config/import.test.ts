import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

function oldFolder(application = 'pcrf.host = a\nakka.x = 1\n'): string {
  const folder = join(temporaryFolder(), 'service');
  mkdirSync(folder);
  writeFileSync(join(folder, 'application.conf'), application);
  return folder;
}

function linkToItself(): string {
  const link = join(temporaryFolder(), 'service');
  symlinkSync('service', link);
  return link;
}

test('prints the file on stdout, and what it left out on stderr', async () => {
  const cli = createCli();
  const folder = oldFolder();
  expect(await cli.swob('config', 'import', folder)).toBe(0);
  expect(cli.out.text).toContain(`\n[pcrf]\n; ${folder}/application.conf:1\nhost = a\n`);
  expect(cli.err.text).toBe(
    `swob: not translated: ${folder}/application.conf:2: akka: not a setting of swob, ignored\n` +
      `translated 1 key of ${folder}/application.conf; 1 not translated\n`,
  );
});

test('--out writes a private file that `config check` accepts, and replaces one only with --force', async () => {
  const folder = oldFolder();
  const file = join(folder, 'conf.ini');
  const cli = createCli();
  expect(await cli.swob('config', 'import', folder, '--out', file)).toBe(0);
  expect(cli.out.text).toBe('');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await createCli().swob('config', 'check', '-c', file)).toBe(0);
  const again = createCli();
  expect(await again.swob('config', 'import', folder, '--out', file)).toBe(78);
  expect(again.err.text).toBe(`swob: ${file} already exists; --force replaces it\n`);
  expect(await createCli().swob('config', 'import', folder, '--out', file, '--force')).toBe(0);
});

test('--dry-run writes nothing, and --json has the lists', async () => {
  const folder = oldFolder();
  const file = join(folder, 'new.ini');
  const cli = createCli();
  expect(await cli.swob('config', 'import', folder, '--out', file, '--dry-run')).toBe(0);
  expect([cli.out.text, existsSync(file)]).toEqual(['', false]);
  expect(cli.err.text).toContain('would translate 1 key');
  const json = createCli();
  expect(await json.swob('config', 'import', folder, '--json')).toBe(0);
  expect(json.values()).toEqual([
    {
      text: expect.stringContaining('host = a'),
      files: [join(folder, 'application.conf')],
      keys: 1,
      untranslated: [`${folder}/application.conf:2: akka: not a setting of swob, ignored`],
      notes: [],
    },
  ]);
});

test('errors of the old files are all reported, and nothing is written', async () => {
  const folder = oldFolder('pcrf { port = 0, timeout = x }');
  const file = join(folder, 'new.ini');
  const cli = createCli();
  expect(await cli.swob('config', 'import', folder, '--out', file)).toBe(78);
  expect(cli.err.text.split('\n  ')).toHaveLength(3);
  expect(cli.err.text).toMatch(
    /^swob: the old files have errors; nothing was written:\n {2}.*application\.conf:1: \[pcrf\] port/,
  );
  expect(existsSync(file)).toBe(false);
});

test('a file that lacks what production needs is written, and says what to add', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'conf.ini'), '[api]\nhost = 0.0.0.0\nstate = production\n');
  const file = join(folder, 'new.ini');
  const cli = createCli();
  expect(await cli.swob('config', 'import', folder, '--out', file)).toBe(78);
  expect(cli.err.text).toContain(
    'the translated configuration does not load yet:\n  [api] host = 0.0.0.0 needs',
  );
  expect(readFileSync(file, 'utf8')).toContain('state = production');
});

test.each([
  [
    'a folder without such files',
    () => temporaryFolder(),
    'has none of application.conf, log4j2.xml, conf.ini',
  ],
  ['no folder', () => '/nowhere/at/all', 'does not exist'],
  ['a link to itself', () => linkToItself(), 'ELOOP: '],
  ['a file', () => join(oldFolder(), 'application.conf'), 'is a file; name the folder that it is in'],
])('%s is refused', async (_name, folder, message) => {
  const cli = createCli();
  expect(await cli.swob('config', 'import', folder())).toBe(78);
  expect(cli.err.text).toContain(message);
});
