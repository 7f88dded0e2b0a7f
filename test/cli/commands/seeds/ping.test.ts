import { describe, expect, test } from 'vitest';
import { createCli, createSteppingClock, startGateway } from '../../harness.ts';

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

  test('prints {"LPS"} with --json, and pings as a seed by default', async () => {
    const { url, requests } = await lps();
    const cli = createCli();
    expect(await cli.swob('--json', 'seeds', 'ping', '111', '+237', '--url', url)).toBe(0);
    expect(cli.values()).toEqual([{ LPS: 1648206122.81431 }]);
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ seed_type: 'seed' });
  });

  test('sends the token of --token, otherwise of SWOB_TOKEN', async () => {
    const { url, requests } = await lps();
    const fromStdin = createCli({ stdin: 'one\n', env: { SWOB_TOKEN: 'two' } });
    expect(await fromStdin.swob('seeds', 'ping', '1', '2', '--token', '-', '--url', url)).toBe(0);
    const fromEnvironment = createCli({ env: { SWOB_TOKEN: 'two' } });
    expect(await fromEnvironment.swob('seeds', 'ping', '1', '2', '--url', url)).toBe(0);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two']);
  });

  test('with --every continues after transient errors, and reports them on stderr', async () => {
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

  test('with --every ends immediately when the ping is invalid', async () => {
    const { url, requests } = await startGateway(() => ({ status: 400, body: 'MSISDN is not well formed' }));
    const cli = createCli({ clock: createSteppingClock() });
    expect(await cli.swob('seeds', 'ping', '1', '2', '--every', '10s', '--url', url)).toBe(65);
    expect(requests).toHaveLength(1);
  });

  test.each([['50ms'], ['2d'], ['soon'], ['']])('refuses --every "%s" with 64', async (every) => {
    expect(await createCli().swob('seeds', 'ping', '1', '2', '--every', every)).toBe(64);
  });

  test.each([['hello'], [''], ['\n'], ['0'], ['-1'], ['Infinity']])(
    'exits with 69 when the response is not an LPS: "%s"',
    async (body) => {
      const { url } = await startGateway(() => ({ body }));
      expect(await createCli().swob('seeds', 'ping', '1', '2', '--url', url)).toBe(69);
    },
  );
});
