// How a command reports that the gateway rejects its call, is unreachable or sends too much.

import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createCli, startGateway, unusedUrl } from '../harness.ts';

describe('a gateway that rejects, or is unreachable', () => {
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
  ])('status %i makes the command exit with %i', async (status, exit, code) => {
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
  ])('"%s" with a Retry-After says once when to retry', async (body, shown) => {
    const { url } = await startGateway(() => ({ status: 429, headers: { 'Retry-After': '60' }, body }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(75);
    expect(cli.err.text).toBe(`swob: the gateway responded with 429: ${shown}\n`);
  });

  test('a refused connection exits with 69 and says what to do', async () => {
    const url = await unusedUrl();
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(69);
    expect(cli.err.text).toBe(
      `swob: no gateway at ${url}; start it with \`swob serve\`, or name another one with --url\n`,
    );
  });

  test('a response over 8 MiB is not read', async () => {
    const { url } = await startGateway(() => ({ body: ' '.repeat(9 * 1024 * 1024) }));
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(69);
    expect(cli.err.text).toContain('larger than 8 MiB');
  });

  test('a signal ends a call without a response', async () => {
    const clock = createFakeClock();
    const cli = createCli({ clock });
    const { url } = await startGateway(() => {
      cli.signals.emit('SIGINT');
      return undefined;
    });
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(130);
    // An earlier signal would count as the same Ctrl-C.
    clock.advance(1_000);
    expect(cli.signals.listenerCount('SIGINT')).toBe(0);
  });

  test.each([['ftp://x'], ['nonsense']])('--url %s is a usage error', async (url) => {
    expect(await createCli().swob('seeds', 'list', '--url', url)).toBe(64);
  });
});
