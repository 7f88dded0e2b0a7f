import { describe, expect, test } from 'vitest';
import { createCli, createSteppingClock, startGateway } from '../../harness.ts';

const now = 1_648_206_122.814;
const seed = {
  IMSI: '624012345678901',
  MSISDN: '+237650000001',
  seed_type: 'seeder',
  LPS: now - 3,
  country: 'Cameroon',
  operator_name: 'MTN Cameroon',
  operator_id: '62401',
};
const gatewayOf = (seeds: unknown) => startGateway(() => ({ body: JSON.stringify(seeds) }));

describe('swob seeds list', () => {
  test('shows a table with the age of each seed in seconds, and the code of an operator without a name', async () => {
    const { url, requests } = await gatewayOf([
      seed,
      { ...seed, country: null, operator_name: null, LPS: now - 12 },
    ]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(0);
    expect(cli.out.text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['IMSI', 'MSISDN', 'TYPE', 'COUNTRY', 'OPERATOR', 'AGE'],
      ['624012345678901', '+237650000001', 'seeder', 'Cameroon', 'MTN Cameroon', '3.0 s'],
      ['624012345678901', '+237650000001', 'seeder', '-', '62401', '12.0 s'],
      [''],
    ]);
    expect(requests.map(({ path }) => path)).toEqual(['/seeds']);
  });

  test("prints the server's array unchanged with --json", async () => {
    const { url } = await gatewayOf([seed]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--json', '--url', url)).toBe(0);
    expect(cli.values()).toEqual([[seed]]);
  });

  test('requests only seeders with --seeders, and says on stderr that there are none', async () => {
    const { url, requests } = await gatewayOf([]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--seeders', '--url', `${url}/`)).toBe(0);
    expect(requests.map(({ path }) => path)).toEqual(['/seeders']);
    expect(cli.out.text).toBe('');
    expect(cli.err.text).toBe('no active seeds\n');
  });

  test('finds the gateway at [api] host and port, where a wildcard means this machine', async () => {
    const { url } = await gatewayOf([seed]);
    const port = `api.port=${new URL(url).port}`;
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--json', '--set', port, '--set', 'api.host=0.0.0.0')).toBe(0);
    expect(cli.values()).toEqual([[seed]]);
  });

  test('strips terminal escapes from the name of a seed (X8)', async () => {
    const { url } = await gatewayOf([
      { ...seed, MSISDN: '+237\u001b[2J\u001b]0;owned\u0007650\u009b31m\r\n' },
    ]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(0);
    expect(cli.out.text).toContain('+237650 ');
    expect(cli.out.text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test.each([
    ['{}', /list of seeds/],
    ['[1]', /list of seeds/],
    ['<html>', /JSON: <html>/],
  ])('exits with 69 when the server responds with %s', async (body, message) => {
    const { url } = await startGateway(() => ({ body }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(69);
    expect(cli.err.text).toMatch(message);
  });

  test('with --watch redraws in place every 2 s on a terminal until Ctrl-C, then exits with 130', async () => {
    const clock = createSteppingClock();
    const cli = createCli({ terminal: true, clock });
    let calls = 0;
    const { url } = await startGateway(() => {
      if (++calls === 3) cli.signals.emit('SIGINT');
      return { body: JSON.stringify([seed]) };
    });
    expect(await cli.swob('seeds', 'list', '--watch', '--url', url)).toBe(130);
    expect(clock.waits).toEqual([2_000, 2_000]);
    expect(cli.out.text.split('\u001b[2A\u001b[J')).toHaveLength(2);
    expect(cli.err.text).toBe('');
  });

  test('with --watch continues after transient errors, and keeps their messages on the screen', async () => {
    const clock = createSteppingClock();
    const cli = createCli({ terminal: true, clock });
    let calls = 0;
    const { url } = await startGateway(() => {
      calls++;
      if (calls === 1) return { status: 503, body: 'starting' };
      if (calls === 3) return { status: 429, headers: { 'Retry-After': '7' }, body: 'slow down' };
      if (calls === 5) cli.signals.emit('SIGINT');
      return { body: JSON.stringify([seed]) };
    });
    expect(await cli.swob('seeds', 'list', '--watch', '--url', url)).toBe(130);
    expect(cli.err.text).toMatch(/^swob: .*503: starting\nswob: .*429: slow down; try again in 7 s\n$/);
    expect(cli.out.text.match(/IMSI/g)).toHaveLength(2);
    expect(cli.out.text).not.toContain('\u001b[2A');
    expect(clock.waits).toHaveLength(4);
  });

  test('with --watch prints an error that persists once a minute, and again after a success', async () => {
    const cli = createCli({ clock: createSteppingClock() });
    let calls = 0;
    const { url } = await startGateway(() => {
      calls++;
      if (calls === 64) cli.signals.emit('SIGINT');
      if (calls === 62) return { body: JSON.stringify([seed]) };
      return { status: 429, headers: { 'Retry-After': `${100 - calls}` }, body: 'slow down' };
    });
    expect(await cli.swob('seeds', 'list', '--watch', '--url', url)).toBe(130);
    expect(cli.err.text.match(/try again in \d+ s/g)).toEqual(
      [99, 69, 39, 37].map((s) => `try again in ${s} s`),
    );
  });

  test('with --watch ends immediately when the gateway rejects the request', async () => {
    const { url, requests } = await startGateway(() => ({ status: 403, body: 'not from there' }));
    const cli = createCli({ clock: createSteppingClock() });
    expect(await cli.swob('seeds', 'list', '--watch', '--url', url)).toBe(1);
    expect(requests).toHaveLength(1);
  });

  test('with --watch --json prints one array per line, and exits with 143 on SIGTERM', async () => {
    const cli = createCli({ clock: createSteppingClock() });
    let calls = 0;
    const { url } = await startGateway(() => {
      if (++calls === 3) cli.signals.emit('SIGTERM');
      return { body: JSON.stringify([seed]) };
    });
    expect(await cli.swob('seeds', 'list', '--watch', '--json', '--url', url)).toBe(143);
    expect(cli.values()).toEqual([[seed], [seed]]);
  });
});
