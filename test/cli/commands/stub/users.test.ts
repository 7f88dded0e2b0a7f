import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

const verify = (url: string, id: string, password: string) =>
  fetch(`${url}/v2/users/${id}/verify`, { method: 'POST', body: JSON.stringify({ password }) });

describe('swob stub users', () => {
  test('serves the users given as options and by file, until a signal', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'password'), 'pa:ss\n');
    const ready = join(folder, 'ready.json');
    const cli = createCli();
    const users = ['--user', 'alice:one:two', '--user', `bob:@${join(folder, 'password')}`];
    const exit = cli.swob('stub', 'users', ...users, '--port', '0', '--ready-file', ready);
    await cli.out.until('\n');
    const { url }: { url: string } = JSON.parse(readFileSync(ready, 'utf8'));
    expect(cli.out.text).toBe(`users stub ready at ${url}\n`);
    expect((await verify(url, 'alice', 'one:two')).status).toBe(200);
    expect((await verify(url, 'bob', 'pa:ss')).status).toBe(200);
    expect((await verify(url, 'bob', 'wrong')).status).toBe(401);
    cli.signals.emit('SIGTERM');
    expect(await exit).toBe(143);
    expect(existsSync(ready)).toBe(false);
    await expect(verify(url, 'alice', 'one')).rejects.toThrow();
    expect(cli.err.text).toContain('can see --user alice on the command line');
  });

  test('says how to pass a missing password', async () => {
    const cli = createCli();
    expect(await cli.swob('stub', 'users', '--user', 'alice')).toBe(64);
    expect(cli.err.text).toBe(
      'swob: --user alice has no password: pass --user alice:@file or alice:- (stdin)\n',
    );
  });

  test('serves the platforms of a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'platforms.json'), '[{"name":"mine"}]');
    const cli = createCli();
    const options = ['--platforms', join(folder, 'platforms.json'), '--port', '0', '--json', '-q'];
    const exit = cli.swob('stub', 'users', '--user', 'alice:x', ...options);
    await cli.out.until('\n');
    const { url }: { url: string } = JSON.parse(cli.out.text);
    const cookie = (await verify(url, 'alice', 'x')).headers.get('set-cookie')?.split(';')[0] ?? '';
    const platforms = await fetch(`${url}/v2/users/alice/platforms`, { headers: { cookie } });
    expect(await platforms.json()).toMatchObject({ saved_platforms: [{ name: 'mine' }] });
    cli.signals.emit('SIGINT');
    expect(await exit).toBe(130);
  });

  test('removes the ready file of an earlier run first, and reports when it cannot be written', async () => {
    const folder = temporaryFolder();
    const ready = join(folder, 'ready.json');
    writeFileSync(ready, '{}');
    const missing = ['--user', `alice:@${join(folder, 'nowhere')}`];
    expect(await createCli().swob('stub', 'users', ...missing, '--ready-file', ready)).toBe(78);
    expect(existsSync(ready)).toBe(false);
    const cli = createCli();
    const nowhere = join(folder, 'nowhere', 'ready.json');
    expect(await cli.swob('stub', 'users', '--user', 'a:@x', '--port', '0', '--ready-file', nowhere)).toBe(
      78,
    );
    expect(cli.err.text).toContain(nowhere);
  });

  test.each([
    [[]],
    [['--user', 'alice']],
    [['--user', ':x']],
    [['--user', 'alice:x', '--user', 'alice:y']],
    [['--user', 'alice:x', '--port', '65536']],
  ])('refuses %j with 64', async (options) => {
    expect(await createCli().swob('stub', 'users', ...options)).toBe(64);
  });
});
