import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import qrcode from 'qrcode-terminal';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { WebSocket } from 'ws';
import { createFakeClock } from '../support/fake-clock.ts';
import {
  type CliOptions,
  createCli,
  createSteppingClock,
  startGateway,
  startSync,
  unusedUrl,
} from './harness.ts';

const qrUrl = (number: number) => `http://127.0.0.1:6969/v2/sync/users/alice/sessions/${number}/handshake`;
const frame = (number: number) =>
  JSON.stringify({ qr_url: qrUrl(number), mobile_url: qrUrl(number).replace('http', 'app') });

function drawn(url: string, small: boolean): string {
  let art = '';
  qrcode.generate(url, { small }, (text) => {
    art = text.trimEnd();
  });
  return art;
}

/** Gateway and websocket; `serve` gets the socket after the client has connected. */
async function setUp(serve: (socket: WebSocket) => void, options: CliOptions = {}) {
  const paths: string[] = [];
  const sync = await startSync((socket, path) => {
    paths.push(path);
    serve(socket);
  });
  const gateway = await startGateway(() => ({ body: `${sync}/v2/sync/init/alice/1` }));
  return { ...gateway, sync, paths, cli: createCli(options) };
}

describe('swob sync qr', () => {
  test('opens a session, shows each code, the pause and the ack, and ends with 0', async () => {
    const { cli, url, requests, paths } = await setUp((socket) => {
      for (const text of [frame(1), frame(2), '201- pause', '200- ack']) socket.send(text);
      socket.close(1000, 'acked');
    });
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(0);
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v2/sync/users/alice']);
    expect(paths).toEqual(['/v2/sync/init/alice/1']);
    expect(cli.out.text).toBe(
      [
        ...[drawn(qrUrl(1), true), qrUrl(1), 'code 1 of 3, 15 s left'],
        ...[drawn(qrUrl(2), true), qrUrl(2), 'code 2 of 3, 15 s left'],
        ...['phone connected: enter the password on it', 'paired', ''],
      ].join('\n'),
    );
  });

  test('counts down in place on a terminal, and stops when the phone has connected', async () => {
    const clock = createFakeClock();
    let server: WebSocket | undefined;
    const { cli, url } = await setUp(
      (socket) => {
        server = socket;
        socket.send(frame(1));
      },
      { terminal: true, clock },
    );
    const exit = cli.swob('sync', 'qr', 'alice', '--url', url);
    await cli.out.until('code 1 of 3, 15 s left');
    clock.advance(1_000);
    const art = drawn(qrUrl(1), false);
    const back = `\u001b[${art.split('\n').length + 2}A\u001b[J`;
    expect(cli.out.text).toBe(
      `${art}\n${qrUrl(1)}\ncode 1 of 3, 15 s left\n${back}${art}\n${qrUrl(1)}\ncode 1 of 3, 14 s left\n`,
    );
    server?.send('201- pause');
    await cli.out.until('phone connected');
    const before = cli.out.text;
    clock.advance(5_000);
    expect(cli.out.text).toBe(before);
    server?.send('200- ack');
    expect(await exit).toBe(0);
  });

  describe('on a terminal of a known size', () => {
    /** A URL as long as real ones: 94 characters. */
    const long = qrUrl(1).replace('/handshake', `${'0'.repeat(94 - qrUrl(1).length)}/handshake`);
    const notice = 'no room for the QR code: make the terminal larger';
    const rows = (form: string): number => form.split('\n').length;
    const [large, small] = [drawn(long, false), drawn(long, true)];

    /** What is shown at first and a second later, after `change`. */
    async function shownOn(size: [number, number], options: string[] = [], change?: [number, number]) {
      const clock = createFakeClock();
      const { cli, url } = await setUp((socket) => socket.send(frame(1).replaceAll(qrUrl(1), long)), {
        terminal: true,
        clock,
        size,
      });
      const exit = cli.swob('sync', 'qr', 'alice', ...options, '--url', url);
      await cli.out.until('15 s left\n');
      const first = cli.out.text;
      if (change) {
        [cli.out.columns, cli.out.rows] = change;
        cli.out.emit('resize');
      } else clock.advance(1_000);
      const second = cli.out.text.slice(first.length);
      cli.signals.emit('SIGINT');
      expect(await exit).toBe(130);
      expect(cli.out.listenerCount('resize')).toBe(0);
      return { first, second };
    }

    test('takes back the rows that the URL wraps to, not its lines', async () => {
      const { first, second } = await shownOn([80, 60]);
      expect(first).toBe(`${large}\n${long}\ncode 1 of 3, 15 s left\n`);
      expect(second).toBe(
        `\u001b[${rows(large) + 2 + 1}A\u001b[J${large}\n${long}\ncode 1 of 3, 14 s left\n`,
      );
    });

    test.each([
      ['the large form, when it just fits', [78, rows(large) + 4], [], large],
      ['the small form, when a row is missing', [78, rows(large) + 3], [], small],
      ['the small form, when a column is missing', [77, 100], [], small],
      ['the small form, when asked', [200, 100], ['--small'], small],
      ['the small form on 80 columns and 24 rows', [80, 24], [], small],
      ['that there is no room, when a row is missing for the small form', [80, rows(small) + 3], [], notice],
      ['that there is no room, when a column is missing for the small form', [38, 100], [], notice],
    ] as const)('shows %s', async (_what, [columns, height], options, form) => {
      const { first, second } = await shownOn([columns, height], [...options]);
      expect(first).toBe(`${form}\n${long}\ncode 1 of 3, 15 s left\n`);
      expect(second).toContain(`\u001b[J${form}\n${long}\ncode 1 of 3, 14 s left\n`);
    });

    test('draws again when the terminal changes its size, taking back what has wrapped by then', async () => {
      const { second } = await shownOn([100, 100], [], [50, 30]);
      expect(second).toBe(
        `\u001b[${2 * rows(large) + 2 + 1}A\u001b[J${small}\n${long}\ncode 1 of 3, 15 s left\n`,
      );
    });
  });

  test('prints events as JSON lines with --json, by the configured limit and time', async () => {
    const { cli, url } = await setUp((socket) => {
      for (const text of [frame(1), '201- pause', '200- ack']) socket.send(text);
    });
    const set = ['--set', 'sync.session_change_limit=5', '--set', 'sync.session_sleep_timeout=2.5'];
    expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', url, ...set)).toBe(0);
    const mobile = qrUrl(1).replace('http', 'app');
    expect(cli.values()).toEqual([
      { event: 'url', qr_url: qrUrl(1), mobile_url: mobile, number: 1, of: 5, seconds: 2.5 },
      { event: 'paused' },
      { event: 'paired' },
    ]);
  });

  test('understands the old server: the URL as text, "paused" and "acked"', async () => {
    const { cli, url } = await setUp((socket) => {
      for (const text of [qrUrl(1), 'whatever', '201- paused', '200- acked']) socket.send(text);
    });
    expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', url)).toBe(0);
    expect(cli.values()).toMatchObject([{ qr_url: qrUrl(1) }, { event: 'paused' }, { event: 'paired' }]);
  });

  test('ends with 0 after the first code with --once', async () => {
    const { cli, url } = await setUp((socket) => socket.send(frame(1)));
    expect(await cli.swob('sync', 'qr', 'alice', '--once', '--url', url)).toBe(0);
    expect(cli.out.text).toContain(qrUrl(1));
  });

  test('connects straight to a websocket URL', async () => {
    const { cli, sync, requests, paths } = await setUp((socket) => socket.send('200- ack'));
    expect(await cli.swob('sync', 'qr', 'alice', '--url', `${sync}/v2/sync/init/111/000`)).toBe(0);
    expect(requests).toEqual([]);
    expect(paths).toEqual(['/v2/sync/init/111/000']);
  });

  test.each([
    [1000, 'limit', 1],
    [1001, 'stopping', 75],
    [4404, 'unknown session', 1],
    [4408, 'paused too long', 1],
    [4409, 'session already connected', 1],
  ])('ends on close code %i (%s) with %i', async (code, reason, exit) => {
    const { cli, url } = await setUp((socket) => socket.close(code, reason));
    expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', url)).toBe(exit);
    expect(cli.values()).toEqual([{ event: 'closed', code, reason }]);
    expect(cli.err.text).toContain(reason);
  });

  test('ends with 69 when the connection breaks', async () => {
    const { cli, url } = await setUp((socket) => socket.terminate());
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(69);
  });

  test('ends with 69 when there is no websocket, naming it', async () => {
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
  ])('ends on an upgrade answered by %i with %i, in the words of the server', async (status, exit, code) => {
    const http = await startGateway(() => ({ status, body: 'because \u001b[31mof this' }));
    const cli = createCli();
    expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', http.url.replace('http', 'ws'))).toBe(
      exit,
    );
    expect(JSON.parse(cli.err.text)).toEqual({
      error: {
        code,
        message: `the sync websocket at ${new URL(http.url).host} answered ${status}: because of this`,
      },
    });
  });

  test('does not wait for ever for why an upgrade was refused, nor for all of it', async () => {
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
      // Sound: a server that listens on TCP has such an address.
      const { port } = refusing.address() as AddressInfo;
      const cli = createCli({ clock });
      expect(await cli.swob('sync', 'qr', 'alice', '--url', `ws://127.0.0.1:${port}`)).toBe(75);
      expect(cli.err.text).toContain(`127.0.0.1:${port} answered 503: `);
    }
  });

  test('ends with 69 when the gateway gives no websocket URL, showing nothing of its escapes (X8)', async () => {
    const { url } = await startGateway(() => ({ body: '\u001b[2Jhello' }));
    const cli = createCli();
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(69);
    expect(cli.err.text).toContain('websocket URL: hello');
    expect(cli.err.text).not.toContain('\u001b');
  });

  test('gives up on a server that keeps the socket open for ever', async () => {
    const clock = createFakeClock();
    const { cli, url } = await setUp((socket) => socket.send(frame(1)), { clock });
    const exit = cli.swob('sync', 'qr', 'alice', '--url', url);
    await cli.out.until('code 1 of 3');
    clock.advance(3 * 15_000 + 120_000 + 30_000);
    expect(await exit).toBe(69);
    expect(clock.pending).toBe(0);
  });

  test('ends with 130 on Ctrl-C and lets go of the socket', async () => {
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
