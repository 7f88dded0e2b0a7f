// How `swob sync qr` ends: on close codes, refusals, timeouts and signals.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createCli, createSteppingClock, startGateway, unusedUrl } from '../../harness.ts';
import { frame, setUp } from './qr-support.ts';

describe('the end of swob sync qr', () => {
  test.each([
    [1000, 'limit', 1],
    [1001, 'stopping', 75],
    [4404, 'unknown session', 1],
    [4408, 'paused too long', 1],
    [4409, 'session already connected', 1],
  ])('on close code %i (%s) exits with %i', async (code, reason, exit) => {
    const { cli, url } = await setUp((socket) => socket.close(code, reason));
    expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', url)).toBe(exit);
    expect(cli.values()).toEqual([{ event: 'closed', code, reason }]);
    expect(cli.err.text).toContain(reason);
  });

  test('exits with 69 when the connection is lost', async () => {
    const { cli, url } = await setUp((socket) => socket.terminate());
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(69);
  });

  test('exits with 69 when there is no websocket, and names it', async () => {
    const unused = (await unusedUrl()).replace('http', 'ws');
    const { url } = await startGateway(() => ({ body: `${unused}/v2/sync/init/alice/1` }));
    const cli = createCli();
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(69);
    expect(cli.err.text).toContain(new URL(unused).host);
  });

  test.each([
    [429, 75, 'LIMITED'],
    [403, 1, 'FORBIDDEN'],
    [404, 1, 'NOT_FOUND'],
    [503, 75, 'UNAVAILABLE'],
    [200, 69, 'UPSTREAM'],
  ])(
    'on an upgrade response of %i exits with %i and the message of the server',
    async (status, exit, code) => {
      const http = await startGateway(() => ({ status, body: 'because \u001b[31mof this' }));
      const cli = createCli();
      expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', http.url.replace('http', 'ws'))).toBe(
        exit,
      );
      expect(JSON.parse(cli.err.text)).toEqual({
        error: {
          code,
          message: `the sync websocket at ${new URL(http.url).host} responded with ${status}: because of this`,
        },
      });
    },
  );

  test('limits the time and size of the reason for a refused upgrade', async () => {
    const clock = createSteppingClock();
    const server = createServer((_request, response) => void response.writeHead(503).write('full'));
    const endless = createServer((_request, response) => {
      response.writeHead(503);
      new Readable({
        read() {
          this.push('x'.repeat(1_024));
        },
      }).pipe(response);
    });
    for (const refusing of [server, endless]) {
      await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        refusing.close();
        refusing.closeAllConnections();
      });
      // Safe cast: a server that listens on TCP has such an address.
      const { port } = refusing.address() as AddressInfo;
      const cli = createCli({ clock });
      expect(await cli.swob('sync', 'qr', 'alice', '--url', `ws://127.0.0.1:${port}`)).toBe(75);
      expect(cli.err.text).toContain(`127.0.0.1:${port} responded with 503: `);
    }
  });

  test('exits with 69 when the gateway returns no websocket URL, and strips its escapes (X8)', async () => {
    const { url } = await startGateway(() => ({ body: '\u001b[2Jhello' }));
    const cli = createCli();
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(69);
    expect(cli.err.text).toContain('websocket URL: hello');
    expect(cli.err.text).not.toContain('\u001b');
  });

  test('times out when the server never closes the socket', async () => {
    const clock = createFakeClock();
    const { cli, url } = await setUp((socket) => socket.send(frame(1)), { clock });
    const exit = cli.swob('sync', 'qr', 'alice', '--url', url);
    await cli.out.until('code 1 of 3');
    clock.advance(3 * 15_000 + 120_000 + 30_000);
    expect(await exit).toBe(69);
    expect(clock.pending).toBe(0);
  });

  test('exits with 130 on Ctrl-C and closes the socket', async () => {
    let closed: Promise<unknown> | undefined;
    const { cli, url } = await setUp((socket) => {
      closed = once(socket, 'close');
      socket.send(frame(1));
    });
    const exit = cli.swob('sync', 'qr', 'alice', '--url', url);
    await cli.out.until('code 1 of 3');
    cli.signals.emit('SIGINT');
    expect(await exit).toBe(130);
    await closed;
  });
});
