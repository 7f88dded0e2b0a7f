// scripts/install and scripts/uninstall into a folder: what is there, that it runs, and what of the operator's stays.

import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, startProcess } from '../support/binary.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { get } from '../support/phone.ts';
import { createWorld } from './world.ts';

async function script(name: string, root: string, ...args: string[]): Promise<string> {
  const options = { cwd: root, env: { DESTDIR: root } };
  const { code, stderr } = await runProcess(resolve('scripts', name), args, options);
  expect(code, stderr).toBe(0);
  return stderr;
}

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test('installed, run, changed by the operator, upgraded, removed, purged', async () => {
  const root = temporaryFolder();
  const at = (path: string): string => join(root, path);
  const lib = '/usr/lib/swob';

  expect(await script('install', root)).toContain('installed swob ');
  expect(await modeOf(at('/etc/swob'))).toBe('750');
  expect(await modeOf(at('/etc/swob/conf.ini'))).toBe('640');
  expect(await modeOf(at('/etc/default/swob'))).toBe('640');
  expect(await modeOf(at('/var/lib/swob'))).toBe('700');
  expect(await modeOf(at('/var/log/swob'))).toBe('750');
  expect(await readdir(at('/usr/lib/systemd/system'))).toEqual(await readdir('confs/systemd'));
  const packages = await readdir(at(`${lib}/node_modules`));
  expect(packages).toContain('fastify');
  for (const development of ['vitest', 'typescript', 'esbuild', '@biomejs'])
    expect(packages).not.toContain(development);

  const binary = at('/usr/bin/swob');
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  expect(await runProcess(binary, ['--version'], { cwd: root })).toMatchObject({
    code: 0,
    stdout: `${version}\n`,
  });
  const shippedConf = await runProcess(binary, ['-c', at('/etc/swob/conf.ini'), 'config', 'check'], {
    cwd: root,
  });
  expect(shippedConf).toMatchObject({ code: 0 });
  const { folder } = await createWorld();
  const running = startProcess(binary, ['serve'], { cwd: folder });
  await running.said('stdout', 'sync ready at ');
  const [, url] = /gateway ready at (\S+)/.exec(running.stdout()) ?? [];
  expect(await get(`${url}/livez`)).toMatchObject({ status: 200, text: 'ok' });
  running.kill('SIGTERM');
  await running.exit;

  // The same version again: what was changed stays, and there is nothing to tell.
  await appendFile(at('/etc/swob/conf.ini'), '\n[api]\nport = 7000\n');
  const changed = await readFile(at('/etc/swob/conf.ini'), 'utf8');
  await writeFile(at('/var/lib/swob/registration'), 'kept');
  // An older version: one file that the operator left alone, one that is changed.
  for (const file of ['conf.ini', 'default']) await appendFile(at(`${lib}/confs/install/${file}`), '\n');
  await appendFile(at('/etc/default/swob'), '\n');
  const told = await script('install', root);
  expect(told).toContain('/etc/swob/conf.ini was changed and stays');
  expect(told).not.toContain('/etc/default/swob was changed');
  expect(await readFile(at('/etc/swob/conf.ini'), 'utf8')).toBe(changed);
  expect(await readFile(at('/etc/swob/conf.ini.new'), 'utf8')).toBe(
    await readFile('confs/install/conf.ini', 'utf8'),
  );
  expect(await readFile(at('/etc/default/swob'), 'utf8')).toBe(
    await readFile('confs/install/default', 'utf8'),
  );

  await script('uninstall', root);
  expect(await filesIn(root)).toEqual([
    'etc/default/swob',
    'etc/swob/conf.ini',
    'etc/swob/conf.ini.new',
    'var/lib/swob/registration',
  ]);
  expect(await readFile(at('/etc/swob/conf.ini'), 'utf8')).toBe(changed);
  await script('uninstall', root, '--purge');
  expect(await filesIn(root)).toEqual([]);
}, 120_000);

test.each([
  ['install', 'now', 'install: takes no arguments'],
  ['uninstall', '--all', 'uninstall: unknown argument --all'],
])('scripts/%s %s is refused with nothing done', async (name, word, message) => {
  const root = temporaryFolder();
  const options = { cwd: root, env: { DESTDIR: root } };
  const { code, stderr } = await runProcess(resolve('scripts', name), [word], options);
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(await filesIn(root)).toEqual([]);
});
