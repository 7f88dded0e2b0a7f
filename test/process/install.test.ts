// The package installed by npm, and by scripts/install and scripts/uninstall into a folder: which files exist, that it
// runs, and that the operator's files are kept.

import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packProject } from '../project/package.ts';
import { runProcess, startProcess } from '../support/binary.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { get, post } from '../support/phone.ts';
import { createInstallation } from './installation.ts';

/** Installs the package like `npm install -g`; returns its folder. */
async function installPackage(): Promise<string> {
  const folder = temporaryFolder();
  const { tarball } = await packProject();
  // The package contains all files that it needs.
  const args = ['install', '--global', '--offline', '--prefix', folder, '--no-fund', '--no-audit'];
  const installed = await runProcess('npm', [...args, tarball], { cwd: folder });
  expect(installed).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('added 1 package in'),
  });
  return join(folder, 'lib', 'node_modules', 'swob');
}

async function script(checkout: string, name: string, root: string, ...args: string[]): Promise<string> {
  const options = { cwd: root, env: { DESTDIR: root } };
  const { code, stderr } = await runProcess(join(checkout, 'scripts', name), args, options);
  expect(code, stderr).toBe(0);
  return stderr;
}

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test('the package can be installed by npm and by its script, run, configured, upgraded, removed and purged', async () => {
  const installed = await installPackage();
  const command = await runProcess(join(installed, '..', '..', '..', 'bin', 'swob'), ['config', 'check'], {
    cwd: temporaryFolder(),
  });
  expect(command).toMatchObject({ code: 0 });
  const root = temporaryFolder();
  const at = (path: string): string => join(root, path);
  const lib = '/usr/lib/swob';

  expect(await script(installed, 'install', root)).toContain('installed swob ');
  expect(await modeOf(at('/etc/swob'))).toBe('750');
  expect(await modeOf(at('/etc/swob/conf.ini'))).toBe('640');
  expect(await modeOf(at('/etc/default/swob'))).toBe('640');
  expect(await modeOf(at('/var/lib/swob'))).toBe('700');
  expect(await modeOf(at('/var/log/swob'))).toBe('750');
  expect(await readdir(at('/usr/lib/systemd/system'))).toEqual(await readdir('confs/systemd'));
  const pages = [
    ...(await readdir(at('/usr/share/man/man1'))),
    ...(await readdir(at('/usr/share/man/man5'))),
  ];
  expect(pages.sort()).toEqual((await readdir('docs/man')).sort());
  for (const place of [
    'bash-completion/completions/swob',
    'zsh/vendor-completions/_swob',
    'fish/vendor_completions.d/swob.fish',
  ])
    expect(await readFile(at(`/usr/share/${place}`), 'utf8')).toContain('__complete --');
  expect((await readdir(at(lib))).sort()).toEqual([
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'bin',
    'confs',
    'dist',
    'docs',
    'package.json',
    'scripts',
  ]);

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
  const { folder } = await createInstallation();
  const running = startProcess(binary, ['serve'], { cwd: folder });
  await running.waitForOutput('stdout', 'sync ready at ');
  const [, url] = /gateway ready at (\S+)/.exec(running.stdout()) ?? [];
  expect(await get(`${url}/livez`)).toMatchObject({ status: 200, text: 'ok' });
  // Files that packages read at run time are included.
  expect(await get(`${url}/docs/static/swagger-ui.css`)).toMatchObject({ status: 200 });
  const operators = await post(`${url}/v1/sms/operators`, [{ number: '+237650393369' }]);
  expect(operators.text).toContain('MTN Cameroon');
  const ping = { IMSI: '624010123456789', MSISDN: '+237650393369', seed_type: 'seed' };
  expect((await post(`${url}/seeds/ping`, ping)).status).toBe(200);
  expect((await get(`${url}/seeds`)).text).toContain('MTN Cameroon');
  running.kill('SIGTERM');
  await running.exit;

  // The same version again: changed files stay, and nothing is reported.
  await appendFile(at('/etc/swob/conf.ini'), '\n[api]\nport = 7000\n');
  const changed = await readFile(at('/etc/swob/conf.ini'), 'utf8');
  await writeFile(at('/var/lib/swob/registration'), 'kept');
  // An older version: one file unchanged by the operator, one changed.
  for (const file of ['conf.ini', 'default']) await appendFile(at(`${lib}/confs/install/${file}`), '\n');
  await appendFile(at('/etc/default/swob'), '\n');
  const output = await script(installed, 'install', root);
  expect(output).toContain('/etc/swob/conf.ini was changed and stays');
  expect(output).not.toContain('/etc/default/swob was changed');
  expect(await readFile(at('/etc/swob/conf.ini'), 'utf8')).toBe(changed);
  expect(await readFile(at('/etc/swob/conf.ini.new'), 'utf8')).toBe(
    await readFile('confs/install/conf.ini', 'utf8'),
  );
  expect(await readFile(at('/etc/default/swob'), 'utf8')).toBe(
    await readFile('confs/install/default', 'utf8'),
  );

  await script(installed, 'uninstall', root);
  expect(await filesIn(root)).toEqual([
    'etc/default/swob',
    'etc/swob/conf.ini',
    'etc/swob/conf.ini.new',
    'var/lib/swob/registration',
  ]);
  expect(await readFile(at('/etc/swob/conf.ini'), 'utf8')).toBe(changed);
  await script(installed, 'uninstall', root, '--purge');
  expect(await filesIn(root)).toEqual([]);
});

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
