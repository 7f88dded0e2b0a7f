// What Tab offers, in the form in which the scripts of the shells get it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { commands } from '../../../src/cli/command-table.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createCli, sharedFolder, startGateway, unusedUrl } from '../harness.ts';

const folder = sharedFolder();

/** The candidates for a command line, whose last word may be empty. */
async function offered(line: string, cli = createCli()): Promise<string[]> {
  expect(await cli.swob('__complete', '--', ...line.split(' '))).toBe(0);
  expect(cli.err.text).toBe('');
  return cli.out.text
    .split('\n')
    .slice(0, -1)
    .map((row) => row.split('\t')[0] ?? '');
}

describe('Tab offers', () => {
  test.each([
    ['st', ['status', 'stub', 'store']],
    ['hel', ['help']],
    ['__', []],
    ['seeds p', ['ping']],
    ['help seeds l', ['list']],
    ['sms outgoing t', ['token']],
    ['help ex', ['exit-codes']],
    ['config show api.h', ['api.host']],
    ['-c conf.ini --json seeds l', ['list']],
    ['--set=api.port=1 seeds l', ['list']],
    // Unknown options do not hide the rest.
    ['--nonsense seeds l', ['list']],
    ['seeds list --s', ['--seeders', '--set']],
    // A repeatable option again, another one only once.
    ['seeds list --seeders --set api.port=1 --s', ['--set']],
    // The options of the default command of a group.
    ['playground --f', ['--fail']],
    ['stub publisher --mode r', ['refuse', 'reject']],
    ['stub publisher --mode=r', ['--mode=refuse', '--mode=reject']],
    ['completion z', ['zsh']],
    ['serve gateway s', ['sync']],
    ['wait --for p', ['paired']],
    ['wait --for seed --ti', ['--timeout']],
    ['--set api.h', ['api.host=']],
    ['--set=api.h', ['--set=api.host=']],
    ['seeds list --set api.state=p', ['api.state=production']],
    ['--set api.port=', []],
    ['sms send alice -- --', []],
    ['jwt decode token more', []],
  ])('for swob %s', async (line, expected) => {
    expect(await offered(line)).toEqual(expected);
  });

  test('every command, and nothing that the help hides', async () => {
    const names = new Set(commands.map(({ path }) => path.split(' ')[0]));
    expect(await offered('')).toEqual([...names, 'help']);
  });

  test.each([
    ['-c ', ':files'],
    ['--config=co', ':files--config='],
    ['store import ', ':files'],
    ['jwt keygen --dir ', ':folders'],
    ['sync pair alice --password ', ':files@'],
    ['jwt decode @to', ':files@'],
  ])('paths for swob %s', async (line, expected) => {
    expect(await offered(line)).toEqual([expected]);
  });

  test('descriptions, after a tab', async () => {
    const cli = createCli();
    await offered('stat', cli);
    expect(cli.out.text).toBe('status\tshow the health of the services\n');
  });
});

describe('from a running gateway Tab offers', () => {
  const seeds = [
    { IMSI: '624012345678901', MSISDN: '+237650393369', operator_name: 'MTN\u001b[31m' },
    { IMSI: '624020000000001', MSISDN: '+237690000000' },
  ];

  test('the IMSIs and numbers of active seeds', async () => {
    const { url, requests } = await startGateway(() => ({ body: JSON.stringify(seeds) }));
    const cli = createCli();
    const given = `--url ${url}`;
    expect(await offered(`seeds get ${given} 62401`, cli)).toEqual(['624012345678901']);
    expect(cli.out.text).toBe('624012345678901\t+237650393369, MTN\n');
    expect(await offered(`seeds test ${given} +23769`)).toEqual(['+237690000000']);
    expect(await offered(`wait ${given} --for seed 62402`)).toEqual(['624020000000001']);
    const port = new URL(url).port;
    expect(await offered(`--set api.port=${port} seeds ping 62402`)).toEqual(['624020000000001']);
    expect(requests.every(({ path }) => path === '/seeds')).toBe(true);
  });

  test('the ids of messages, with the admin token, which no other gateway gets', async () => {
    const id = '5d41402abc4b2a76b9719d911017c592';
    const { url, requests } = await startGateway(({ path }) => ({
      body: JSON.stringify(
        path === '/sms/failed' ? [{ id, state: 'dead-lettered', msisdn: '+237650393369' }] : [],
      ),
    }));
    const file = join(folder, 'admin.token');
    writeFileSync(file, 'an-admin-token-of-the-test\n');
    const settings = `--set api.port=${new URL(url).port} --set security.admin_token_filepath=${file}`;
    expect(await offered(`${settings} sms retry 5d`)).toEqual([id]);
    expect(requests[0]?.headers.authorization).toBe('Bearer an-admin-token-of-the-test');
    const calls = requests.length;
    expect(await offered(`${settings} sms retry --url ${url} 5d`)).toEqual([]);
    expect(requests.length).toBe(calls);
  });

  test('nothing, silently, when there is none, or the configuration is wrong', async () => {
    expect(await offered(`seeds get --url ${await unusedUrl()} 6`)).toEqual([]);
    expect(await offered('seeds get --set api.port=x 6')).toEqual([]);
    expect(await offered('seeds get -c missing.ini 6')).toEqual([]);
    const { url } = await startGateway(() => ({ status: 500 }));
    expect(await offered(`seeds get --url ${url} 6`)).toEqual([]);
  });

  test('nothing when it has not responded after 200 ms', async () => {
    const clock = createFakeClock();
    const { url, requests } = await startGateway(() => {
      clock.advance(200);
      return undefined;
    });
    expect(await offered(`seeds get --url ${url} 6`, createCli({ clock }))).toEqual([]);
    expect(requests.length).toBe(1);
  });
});

test.each(['bash', 'zsh', 'fish'])('swob completion %s prints a script', async (shell) => {
  const cli = createCli();
  expect(await cli.swob('completion', shell)).toBe(0);
  expect(cli.out.text).toContain('__complete --');
  const json = createCli();
  expect(await json.swob('completion', shell, '--json')).toBe(0);
  expect(json.values()).toEqual([{ shell, script: cli.out.text }]);
});
