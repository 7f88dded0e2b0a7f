import { describe, expect, test } from 'vitest';
import { createCli, startGateway } from '../../harness.ts';

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

  test('exits with 1 when the response is empty', async () => {
    const { url } = await startGateway(() => ({ body: '' }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'get', '111', '--url', url)).toBe(1);
    expect(cli.err.text).toBe('swob: no active seed has the IMSI 111\n');
    expect(cli.out.text).toBe('');
  });

  test.each([['<html>sign in</html>'], ['two words'], ['+'.repeat(65)]])(
    'exits with 69 when the response is no phone number, as of a captive portal: %s',
    async (body) => {
      const { url } = await startGateway(() => ({ body }));
      const cli = createCli();
      expect(await cli.swob('seeds', 'get', '111', '--url', url)).toBe(69);
      expect(cli.err.text).toBe(`swob: ${url} did not respond with the phone number of a seed\n`);
      expect(cli.out.text).toBe('');
      expect(await cli.swob('wait', '--for', 'seed', '111', '--timeout', '0s', '--url', url)).not.toBe(0);
    },
  );
});
