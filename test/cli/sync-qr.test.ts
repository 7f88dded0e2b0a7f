import { once } from 'node:events';
import qrcode from 'qrcode-terminal';
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { createFakeClock } from '../support/fake-clock.ts';
import { type CliOptions, createCli, startGateway, startSync, unusedUrl } from './harness.ts';

const qrUrl = (number: number) => `http://127.0.0.1:6969/v2/sync/users/alice/sessions/${number}/handshake`;
const frame = (number: number) =>
  JSON.stringify({ qr_url: qrUrl(number), mobile_url: qrUrl(number).replace('http', 'app') });

function drawn(url: string, small: boolean): string {
  let art = '';
  qrcode.generate(url, { small }, (text) => {
    art = text;
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
    [503, 75],
    [404, 69],
  ])('ends on an upgrade answered by %i with %i', async (status, exit) => {
    const http = await startGateway(() => ({ status }));
    const cli = createCli();
    expect(await cli.swob('sync', 'qr', 'alice', '--url', http.url.replace('http', 'ws'))).toBe(exit);
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
