import { describe, expect, test } from 'vitest';
import { seedToken } from '../../src/crypto/seed-token.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createCli, createSteppingClock, startGateway, unusedUrl } from './harness.ts';

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
  test('shows a table with each age in seconds', async () => {
    const { url, requests } = await gatewayOf([
      seed,
      { ...seed, country: null, operator_name: null, LPS: now - 12 },
    ]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(0);
    expect(cli.out.text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['IMSI', 'MSISDN', 'TYPE', 'COUNTRY', 'OPERATOR', 'AGE'],
      ['624012345678901', '+237650000001', 'seeder', 'Cameroon', 'MTN Cameroon', '3.0 s'],
      ['624012345678901', '+237650000001', 'seeder', '-', '-', '12.0 s'],
      [''],
    ]);
    expect(requests.map(({ path }) => path)).toEqual(['/seeds']);
  });

  test("prints the server's array as it is with --json", async () => {
    const { url } = await gatewayOf([seed]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--json', '--url', url)).toBe(0);
    expect(cli.values()).toEqual([[seed]]);
  });

  test('asks for seeders alone with --seeders, and says on stderr that there are none', async () => {
    const { url, requests } = await gatewayOf([]);
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--seeders', '--url', `${url}/`)).toBe(0);
    expect(requests.map(({ path }) => path)).toEqual(['/seeders']);
    expect(cli.out.text).toBe('');
    expect(cli.err.text).toBe('no active seeds\n');
  });

  test('finds the gateway by [api] host and port, a wildcard meaning this machine', async () => {
    const { url } = await gatewayOf([seed]);
    const port = `api.port=${new URL(url).port}`;
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--json', '--set', port, '--set', 'api.host=0.0.0.0')).toBe(0);
    expect(cli.values()).toEqual([[seed]]);
  });

  test('strips terminal escapes from what a seed calls itself (X8)', async () => {
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
  ])('ends with 69 when the server answers %s', async (body, message) => {
    const { url } = await startGateway(() => ({ body }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(69);
    expect(cli.err.text).toMatch(message);
  });

  test('with --watch redraws in place every 2 s on a terminal until Ctrl-C, then ends with 130', async () => {
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

  test('with --watch keeps going over failures that pass, and takes nothing back that it said of them', async () => {
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

  test('with --watch ends at once when the gateway says no', async () => {
    const { url, requests } = await startGateway(() => ({ status: 403, body: 'not from there' }));
    const cli = createCli({ clock: createSteppingClock() });
    expect(await cli.swob('seeds', 'list', '--watch', '--url', url)).toBe(1);
    expect(requests).toHaveLength(1);
  });

  test('with --watch --json prints an array a line, and SIGTERM ends it with 143', async () => {
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

describe('swob seeds ping', () => {
  const lps = () => startGateway(() => ({ body: '1648206122.81431' }));

  test('posts IMSI, MSISDN and type as JSON and prints the LPS', async () => {
    const { url, requests } = await lps();
    const cli = createCli();
    expect(await cli.swob('seeds', 'ping', '111', '+237', '--type', 'seeder', '--url', url)).toBe(0);
    expect(cli.out.text).toBe('1648206122.81431\n');
    const [request] = requests;
    expect(request).toMatchObject({ method: 'POST', path: '/seeds/ping' });
    expect(request?.headers['content-type']).toBe('application/json');
    expect(request?.headers.authorization).toBeUndefined();
    expect(JSON.parse(request?.body ?? '')).toEqual({ IMSI: '111', MSISDN: '+237', seed_type: 'seeder' });
  });

  test('prints {"LPS"} with --json, and is a seed unless told', async () => {
    const { url, requests } = await lps();
    const cli = createCli();
    expect(await cli.swob('--json', 'seeds', 'ping', '111', '+237', '--url', url)).toBe(0);
    expect(cli.values()).toEqual([{ LPS: 1648206122.81431 }]);
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ seed_type: 'seed' });
  });

  test('sends the token of --token, else of SWOB_TOKEN', async () => {
    const { url, requests } = await lps();
    const fromStdin = createCli({ stdin: 'one\n', env: { SWOB_TOKEN: 'two' } });
    expect(await fromStdin.swob('seeds', 'ping', '1', '2', '--token', '-', '--url', url)).toBe(0);
    const fromEnvironment = createCli({ env: { SWOB_TOKEN: 'two' } });
    expect(await fromEnvironment.swob('seeds', 'ping', '1', '2', '--url', url)).toBe(0);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two']);
  });

  test('with --every keeps going over failures that pass, and says them on stderr', async () => {
    const clock = createSteppingClock();
    const cli = createCli({ clock });
    let calls = 0;
    const { url } = await startGateway(() => {
      calls++;
      if (calls === 2) return { status: 503, body: 'store full' };
      if (calls === 3) return { status: 429, headers: { 'Retry-After': '7' }, body: 'slow down' };
      if (calls === 5) cli.signals.emit('SIGINT');
      return { body: String(calls) };
    });
    expect(await cli.swob('seeds', 'ping', '1', '2', '--every', '10s', '--url', url)).toBe(130);
    expect(cli.out.text).toBe('1\n4\n');
    expect(cli.err.text).toMatch(/503: store full\n.*429: slow down; try again in 7 s\n$/);
    expect(clock.waits).toEqual([10_000, 10_000, 10_000, 10_000]);
  });

  test('with --every ends at once when the ping itself is wrong', async () => {
    const { url, requests } = await startGateway(() => ({ status: 400, body: 'MSISDN is not well formed' }));
    const cli = createCli({ clock: createSteppingClock() });
    expect(await cli.swob('seeds', 'ping', '1', '2', '--every', '10s', '--url', url)).toBe(65);
    expect(requests).toHaveLength(1);
  });

  test.each([['50ms'], ['2d'], ['soon'], ['']])('refuses --every "%s" with 64', async (every) => {
    expect(await createCli().swob('seeds', 'ping', '1', '2', '--every', every)).toBe(64);
  });

  test('ends with 69 when the answer is no LPS', async () => {
    const { url } = await startGateway(() => ({ body: 'hello' }));
    expect(await createCli().swob('seeds', 'ping', '1', '2', '--url', url)).toBe(69);
  });
});

describe('swob seeds get', () => {
  test('prints the MSISDN, as an object with --json', async () => {
    const { url, requests } = await startGateway(() => ({ body: '+237650000001' }));
    const plain = createCli();
    expect(await plain.swob('seeds', 'get', 'a/b', '--url', url)).toBe(0);
    expect(plain.out.text).toBe('+237650000001\n');
    expect(requests[0]?.path).toBe('/seeds/a%2Fb');
    const json = createCli();
    expect(await json.swob('seeds', 'get', '111', '--json', '--url', url)).toBe(0);
    expect(json.values()).toEqual([{ IMSI: '111', MSISDN: '+237650000001' }]);
  });

  test('ends with 1 when the answer is empty', async () => {
    const { url } = await startGateway(() => ({ body: '' }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'get', '111', '--url', url)).toBe(1);
    expect(cli.err.text).toBe('swob: no active seed has the IMSI 111\n');
    expect(cli.out.text).toBe('');
  });
});

describe('swob seeds token', () => {
  test('prints the token under [seeds] token_secret', async () => {
    const cli = createCli({ env: { SWOB_SEEDS_TOKEN_SECRET: 'hush' } });
    expect(await cli.swob('seeds', 'token', '111')).toBe(0);
    expect(cli.out.text).toBe(`${seedToken('hush', '111')}\n`);
  });

  test('ends with 78 when there is no secret', async () => {
    const cli = createCli();
    expect(await cli.swob('seeds', 'token', '111')).toBe(78);
    expect(cli.err.text).toContain('token_secret');
  });
});

describe('a gateway that refuses, or is not there', () => {
  test.each([
    [400, 65, 'BAD_INPUT'],
    [401, 1, 'UNAUTHENTICATED'],
    [403, 1, 'FORBIDDEN'],
    [404, 1, 'NOT_FOUND'],
    [409, 1, 'CONFLICT'],
    [413, 65, 'TOO_LARGE'],
    [429, 75, 'LIMITED'],
    [500, 69, 'UPSTREAM'],
    [502, 69, 'UPSTREAM'],
    [503, 75, 'UNAVAILABLE'],
    [302, 69, 'UPSTREAM'],
  ])('status %i ends the command with %i', async (status, exit, code) => {
    const { url } = await startGateway(() => ({ status, body: 'because \u001b[31mof this' }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--json', '--url', url)).toBe(exit);
    const error: unknown = JSON.parse(cli.err.text);
    expect(error).toMatchObject({ error: { code } });
    if (status !== 302)
      expect(error).toMatchObject({ error: { message: expect.stringContaining('because of this') } });
  });

  test.each([
    ['too many new sessions, try again in 60 s', 'too many new sessions, try again in 60 s'],
    ['busy', 'busy; try again in 60 s'],
  ])('"%s" with a Retry-After says once when to try again', async (body, shown) => {
    const { url } = await startGateway(() => ({ status: 429, headers: { 'Retry-After': '60' }, body }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(75);
    expect(cli.err.text).toBe(`swob: the gateway answered 429: ${shown}\n`);
  });

  test('refused connections end with 69 and say what to do', async () => {
    const url = await unusedUrl();
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(69);
    expect(cli.err.text).toBe(
      `swob: no gateway at ${url}; start one with \`swob serve\`, or name it with --url\n`,
    );
  });

  test('an answer over 8 MiB is not read', async () => {
    const { url } = await startGateway(() => ({ body: ' '.repeat(9 * 1024 * 1024) }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(69);
    expect(cli.err.text).toContain('larger than 8 MiB');
  });

  test('a signal ends a call that nobody answers', async () => {
    const cli = createCli({ clock: createFakeClock() });
    const { url } = await startGateway(() => {
      cli.signals.emit('SIGINT');
      return undefined;
    });
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(130);
    expect(cli.signals.listenerCount('SIGINT')).toBe(0);
  });

  test.each([['ftp://x'], ['nonsense']])('--url %s is a usage error', async (url) => {
    expect(await createCli().swob('seeds', 'list', '--url', url)).toBe(64);
  });
});
