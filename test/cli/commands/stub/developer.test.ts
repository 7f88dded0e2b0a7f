// `swob stub developer` as a command line in the test process.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

const post = (url: string, body: object, cookie = '') =>
  fetch(url, { method: 'POST', headers: { cookie }, body: JSON.stringify(body) });

describe('swob stub developer', () => {
  test('knows the given developers and numbers, until a signal', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'key'), 'k:e=y\n');
    const cli = createCli();
    const developers = ['--developer', 'one:hunter2', '--developer', `two:@${join(folder, 'key')}`];
    const numbers = ['--msisdn', '+237650000001=alice', '--number', '2=b=c'];
    const exit = cli.swob('stub', 'developer', ...developers, ...numbers, '--port', '0');
    await cli.out.until('\n');
    const url = cli.out.text.replace('developer stub ready at ', '').trim();
    const signIn = (auth_id: string, auth_key: string) =>
      post(`${url}/v1/authenticate`, { auth_id, auth_key });
    expect((await signIn('one', 'hunter2')).status).toBe(200);
    expect((await signIn('one', 'k:e=y')).status).toBe(401);
    const cookie = (await signIn('two', 'k:e=y')).headers.get('set-cookie')?.split(';')[0];
    const userOf = async (phone_number: string): Promise<unknown> =>
      (await post(`${url}/users`, { phone_number }, cookie)).json();
    expect(await userOf('+237650000001')).toEqual({ user_id: 'alice' });
    expect(await userOf('2')).toEqual({ user_id: 'b=c' });
    cli.signals.emit('SIGTERM');
    expect(await exit).toBe(143);
    expect(cli.err.text).toContain('can see --developer one on the command line');
    expect(cli.err.text).not.toContain('hunter2');
  });

  test('accepts every developer and number without options', async () => {
    const cli = createCli();
    const exit = cli.swob('stub', 'developer', '--port', '0', '--json');
    await cli.out.until('\n');
    const { url }: { url: string } = JSON.parse(cli.out.text);
    expect((await post(`${url}/v1/authenticate`, { auth_id: 'x', auth_key: 'y' })).status).toBe(200);
    expect(await (await post(`${url}/users`, { phone_number: 'alice' })).json()).toEqual({
      user_id: 'alice',
    });
    cli.signals.emit('SIGINT');
    expect(await exit).toBe(130);
  });

  test.each([
    [['--developer', 'dev']],
    [['--developer', ':key']],
    [['--developer', 'dev:x', '--developer', 'dev:y']],
    [['--msisdn', '1']],
    [['--msisdn', '=alice']],
    [['--msisdn', '1=']],
    [['--msisdn', '1=a', '--number', '1=b']],
    [['--port', '65536']],
    [['surplus']],
  ])('refuses %j with 64', async (options) => {
    expect(await createCli().swob('stub', 'developer', ...options)).toBe(64);
  });
});
