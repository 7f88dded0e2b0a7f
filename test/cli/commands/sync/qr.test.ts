// `swob sync qr`: the codes, the countdown, and the text around them.

import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { drawQrCode, encodeQrCode } from '../../../../src/cli/terminal/qr-code.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { frame, qrUrl, setUp } from './qr-support.ts';

function drawn(url: string, size: 'small' | 'large', colour = true): string {
  return drawQrCode(encodeQrCode(url), { size, colour }).join('\n');
}

describe('swob sync qr', () => {
  test('opens a session, shows each code, the pause and the ack, and exits with 0', async () => {
    const { cli, url, requests, paths } = await setUp((socket) => {
      for (const text of [frame(1), frame(2), '201- pause', '200- ack']) socket.send(text);
      socket.close(1000, 'acked');
    });
    expect(await cli.swob('sync', 'qr', 'alice', '--url', url)).toBe(0);
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v2/sync/users/alice']);
    expect(paths).toEqual(['/v2/sync/init/alice/1']);
    expect(cli.out.text).toBe(
      [
        ...[drawn(qrUrl(1), 'small', false), qrUrl(1), 'code 1 of 3, 15 s left'],
        ...[drawn(qrUrl(2), 'small', false), qrUrl(2), 'code 2 of 3, 15 s left'],
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
    const art = drawn(qrUrl(1), 'large');
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
    /** A URL of realistic length: 94 characters. */
    const long = qrUrl(1).replace('/handshake', `${'0'.repeat(94 - qrUrl(1).length)}/handshake`);
    const notice = 'the QR code does not fit: enlarge the terminal, or write a file with --png';
    const rows = (form: string): number => form.split('\n').length;
    const [large, small] = [drawn(long, 'large'), drawn(long, 'small')];

    /** The screen at first, and a second later after `change`. */
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

    test('erases the rows that the URL wraps to, not its lines', async () => {
      const { first, second } = await shownOn([90, 60]);
      expect(first).toBe(`${large}\n${long}\ncode 1 of 3, 15 s left\n`);
      expect(second).toBe(
        `\u001b[${rows(large) + 2 + 1}A\u001b[J${large}\n${long}\ncode 1 of 3, 14 s left\n`,
      );
    });

    test.each([
      ['the large form, when it just fits', [94, rows(large) + 3], [], large],
      ['the small form, when asked', [200, 100], ['--small'], small],
      ['the small form, when a column is missing', [89, 100], [], small],
      ['that there is no room', [80, 20], [], notice],
    ] as const)('shows %s', async (_what, [columns, height], options, form) => {
      const { first, second } = await shownOn([columns, height], [...options]);
      expect(first).toBe(`${form}\n${long}\ncode 1 of 3, 15 s left\n`);
      expect(second).toContain(`\u001b[J${form}\n${long}\ncode 1 of 3, 14 s left\n`);
    });

    test('puts the text beside the code where there is no row for it, as on 80 columns and 24 rows', async () => {
      const { first, second } = await shownOn([80, 24]);
      expect(first.split('\n')).toHaveLength(rows(small) + 1);
      expect(first).toContain('  code 1 of 3, 15 s left\n');
      expect(second).toMatch(new RegExp(`^.{1,2}${rows(small)}A`));
      expect(second).toContain('  code 1 of 3, 14 s left\n');
    });

    test('redraws when the terminal is resized, erasing the rows that have wrapped', async () => {
      const { second } = await shownOn([100, 100], [], [60, 30]);
      expect(second).toBe(
        `\u001b[${2 * rows(large) + 2 + 1}A\u001b[J${small}\n${long}\ncode 1 of 3, 15 s left\n`,
      );
    });
  });

  test.each([
    ['http://127.0.0.1:6969', [], '[api]\nhost = 0.0.0.0\npublic_host = '],
    ['http://localhost:6969', [], '[api]\nhost = 0.0.0.0\npublic_host = '],
    ['https://[::1]:6969', [], '[api]\nhost = 0.0.0.0\npublic_host = '],
    ['http://127.0.0.1:80', ['--set', 'api.public_url=http://127.0.0.1'], '[api]\npublic_url = http://'],
  ])(
    'says once on stderr that no phone can reach %s, and which key to set',
    async (origin, options, lines) => {
      const loopback = (number: number) => frame(number).replaceAll('http://127.0.0.1:6969', origin);
      const { cli, url } = await setUp((socket) => {
        for (const text of [loopback(1), loopback(2), '200- ack']) socket.send(text);
      });
      expect(await cli.swob('sync', 'qr', 'alice', '--url', url, ...options)).toBe(0);
      const { hostname } = new URL(origin);
      const note = `note: phones cannot reach ${hostname}, a loopback address; set this in the gateway's configuration`;
      expect(cli.err.text.split(note)).toHaveLength(2);
      expect(cli.err.text).toContain(lines);
    },
  );

  test('prints no note for a public URL, nor to programs', async () => {
    const elsewhere = frame(1).replaceAll('127.0.0.1', '192.0.2.7');
    for (const [text, options] of [
      [elsewhere, []],
      [frame(1), ['--json']],
      [frame(1), ['--quiet']],
    ] as const) {
      const { cli, url } = await setUp((socket) => socket.send(text));
      expect(await cli.swob('sync', 'qr', 'alice', '--once', '--url', url, ...options)).toBe(0);
      expect(cli.err.text).toBe('');
    }
  });

  test('prints events as JSON lines with --json, with the configured limit and time', async () => {
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

  test('understands frames of the old server: the URL as text, "paused" and "acked"', async () => {
    const { cli, url } = await setUp((socket) => {
      for (const text of [qrUrl(1), 'whatever', '201- paused', '200- acked']) socket.send(text);
    });
    expect(await cli.swob('sync', 'qr', 'alice', '--json', '--url', url)).toBe(0);
    expect(cli.values()).toMatchObject([{ qr_url: qrUrl(1) }, { event: 'paused' }, { event: 'paired' }]);
  });

  test('exits with 0 after the first code with --once', async () => {
    const { cli, url } = await setUp((socket) => socket.send(frame(1)));
    expect(await cli.swob('sync', 'qr', 'alice', '--once', '--url', url)).toBe(0);
    expect(cli.out.text).toContain(qrUrl(1));
  });

  test('connects directly to a websocket URL', async () => {
    const { cli, sync, requests, paths } = await setUp((socket) => socket.send('200- ack'));
    expect(await cli.swob('sync', 'qr', 'alice', '--url', `${sync}/v2/sync/init/111/000`)).toBe(0);
    expect(requests).toEqual([]);
    expect(paths).toEqual(['/v2/sync/init/111/000']);
  });
});
