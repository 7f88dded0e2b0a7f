// Codes that `swob sync qr` and `swob sms invite` show on terminals of both themes, and write to files, read by zbar.

import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { type Palette, palettes, showOn } from '../support/terminal-screen.ts';
import { readQrCode, readScreen, zbar } from '../support/zbar.ts';
import { setUp } from './commands/sync/qr-support.ts';
import { createCli } from './harness.ts';

beforeEach((context) => needs(context, zbar));

const session = `sessions/${'0123456789abcdef'.repeat(2)}/handshake`;
const local = `http://192.0.2.7:6969/v2/sync/users/alice/${session}`;
const remote = `https://gateway.smswithoutborders.com:443/v2/sync/users/237650393369/${session}`;
const settings = [
  ...['--set', 'api.public_url=https://gw.example.org'],
  ...['--set', 'broker.url=amqp://swob:secret@mq.example.org:5673/sms%20hub'],
];
const forwarding = 'Url: https://gw.example.org/v3/publish\nTag: +237650393369';
const sending =
  'Host: mq.example.org\nUsername: dev1\nVirtual host: sms hub\nPort: 5673\nExchange: dev1_OUTGOING_SMS';

/** The screen after `swob sync qr --once`, with the prompt of a shell before and after it. */
async function showSync(url: string, size: readonly [number, number], palette: Palette, small = false) {
  const { cli, url: gateway } = await setUp((socket) => socket.send(JSON.stringify({ qr_url: url })), {
    terminal: true,
    size,
  });
  const options = ['--once', '--url', gateway, ...(small ? ['--small'] : [])];
  expect(await cli.swob('sync', 'qr', 'alice', ...options)).toBe(0);
  return showOn(`$ swob sync qr alice\n${cli.out.text}$`, size, palette);
}

describe.each(['dark', 'light'])('on a %s terminal, zbar reads', (theme) => {
  const palette = palettes[theme] as Palette;

  test.each([
    ['the large form of sync qr', local, [120, 60], false],
    ['its small form', local, [120, 60], true],
    ['it at 80×24', local, [80, 24], false],
    ['the code of a long public host at 80×24', remote, [80, 24], false],
  ] as const)('%s', async (_what, url, size, small) => {
    expect(await readScreen(await showSync(url, size, palette, small))).toBe(url);
  });

  test('the code of sms invite, and at 80×24 one for each screen of the app', async () => {
    const invite = async (size: readonly [number, number]): Promise<string> => {
      const cli = createCli({ terminal: true, size });
      expect(await cli.swob('sms', 'invite', 'dev1', '--msisdn', '+237650393369', '--qr', ...settings)).toBe(
        0,
      );
      expect(cli.err.text).not.toContain('does not fit');
      return cli.out.text;
    };
    const whole = showOn(await invite([120, 70]), [120, 70], palette);
    expect(await readScreen(whole)).toBe(`${forwarding}\n${sending}`);
    const lines = (await invite([80, 24])).split('\n');
    const first = lines.findLastIndex((line) => line.includes('Forward received SMS'));
    // The user scrolls back to the first.
    const screens = [lines.slice(0, first + 1), lines].map((shown) =>
      showOn(shown.join('\n'), [80, 24], palette),
    );
    expect(await Promise.all(screens.map(readScreen))).toEqual([forwarding, sending]);
  });
});

describe('in files, zbar reads', () => {
  test('the code as PNG and SVG, with characters beyond ASCII', async (context) => {
    needs(context, { command: 'rsvg-convert' });
    const folder = temporaryFolder();
    const [png, svg, rendered] = ['code.png', 'code.svg', 'rendered.png'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const cli = createCli({ env: { SWOB_AUTH_KEY: 'clé 鍵' } });
    const words = ['sms', 'invite', 'dev1', '--show-key', '--png', png, '--svg', svg];
    expect(await cli.swob(...words, ...settings)).toBe(0);
    expect(cli.err.text).toBe(`wrote ${png} and ${svg}\n`);
    const text = `Url: https://gw.example.org/v3/publish\n${sending.replace('\nVirtual', '\nPassword: clé 鍵\nVirtual')}`;
    expect(await readQrCode(png)).toBe(text);
    // A transparent background would leave black on the black of a dark viewer.
    const converted = await runProcess(
      'rsvg-convert',
      ['--background-color=black', svg, '--output', rendered],
      { cwd: folder },
    );
    expect(converted).toMatchObject({ code: 0, stderr: '' });
    expect(await readQrCode(rendered)).toBe(text);
  });
});
