// The options --png, --svg and --force of `swob sync qr` and `swob sms invite`: when files are written, and refused.

import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { encodeQrCode } from '../../src/cli/terminal/qr-code.ts';
import { drawPng, drawSvg } from '../../src/cli/terminal/qr-image.ts';
import { temporaryFolder } from '../support/folders.ts';
import { frame, qrUrl, setUp } from './commands/sync/qr-support.ts';
import { createCli } from './harness.ts';

let folder = '';
let [png, svg] = ['', ''];

beforeEach(() => {
  folder = temporaryFolder();
  [png, svg] = [join(folder, 'code.png'), join(folder, 'code.svg')];
});

const pngOf = (url: string): Buffer => Buffer.from(drawPng(encodeQrCode(url)));

describe('swob sync qr', () => {
  /** The command with these options, and the socket that it has opened. */
  async function start(...options: string[]) {
    let socket: WebSocket | undefined;
    const { cli, url, requests } = await setUp((opened) => {
      socket = opened;
      opened.send(frame(1));
    });
    const exit = cli.swob('sync', 'qr', 'alice', '--url', url, ...options);
    return { cli, requests, exit, send: (text: string) => socket?.send(text) };
  }

  test.each([
    ['text', [], (number: number) => `code ${number} of 3`],
    ['JSON', ['--json'], (number: number) => `"number":${number}`],
  ])('has each code in the files when it prints it as %s', async (_form, options, printed) => {
    const { cli, exit, send } = await start('--png', png, '--svg', svg, ...options);
    for (const number of [1, 2]) {
      if (number > 1) send(frame(number));
      await cli.out.until(printed(number));
      expect(readFileSync(png)).toEqual(pngOf(qrUrl(number)));
      expect(readFileSync(svg, 'utf8')).toBe(drawSvg(encodeQrCode(qrUrl(number))));
      expect(statSync(png).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder)).toEqual(['code.png', 'code.svg']);
    }
    send('200- ack');
    expect(await exit).toBe(0);
    expect(readFileSync(png)).toEqual(pngOf(qrUrl(2)));
  });

  test('replaces an existing file only with --force, and opens no session before', async () => {
    writeFileSync(png, 'mine');
    const refused = await start('--once', '--png', png);
    expect(await refused.exit).toBe(78);
    expect(refused.cli.err.text).toBe(`swob: ${png} already exists; --force replaces it\n`);
    expect(refused.requests).toEqual([]);
    expect(readFileSync(png, 'utf8')).toBe('mine');
    const forced = await start('--once', '--png', png, '--force');
    expect(await forced.exit).toBe(0);
    expect(readFileSync(png)).toEqual(pngOf(qrUrl(1)));
  });

  test('ends with 75 when the next code cannot be written, as an old one would mislead', async () => {
    const { cli, exit, send } = await start('--png', png);
    await cli.out.until('code 1 of 3');
    rmSync(folder, { recursive: true });
    send(frame(2));
    expect(await exit).toBe(75);
    expect(cli.err.text).toContain(`cannot write ${png}: the folder ${folder} does not exist; create it`);
  });

  test('names the file when the terminal has no room for the code', async () => {
    for (const [options, advice] of [
      [['--png', png], `open ${png}`],
      [[], 'write a file with --png'],
    ] as const) {
      const { cli, url } = await setUp((socket) => socket.send(frame(1)), { terminal: true, size: [40, 10] });
      expect(await cli.swob('sync', 'qr', 'alice', '--once', '--url', url, ...options)).toBe(0);
      expect(cli.out.text).toContain(`does not fit: enlarge the terminal, or ${advice}\n`);
    }
  });

  test('draws no text with control characters, and writes none (X8)', async () => {
    const { cli, exit, send } = await start('--png', png);
    await cli.out.until('code 1 of 3');
    const before = cli.out.text;
    send(JSON.stringify({ qr_url: `${qrUrl(2)}\u001b[2J`, mobile_url: '' }));
    send(`${qrUrl(2)}\u0007`);
    send('200- ack');
    expect(await exit).toBe(0);
    expect(cli.out.text).toBe(`${before}paired\n`);
    expect(readFileSync(png)).toEqual(pngOf(qrUrl(1)));
  });
});

describe('swob sms invite', () => {
  async function invite(...words: string[]) {
    const cli = createCli();
    const exit = await cli.swob('sms', 'invite', 'dev1', ...words);
    return { exit, err: cli.err.text, out: cli.out.text };
  }

  test('writes with --json as well', async () => {
    const { exit, out } = await invite('--json', '--svg', svg);
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ forwarding: {} });
    expect(readFileSync(svg, 'utf8')).toMatch(/^<\?xml .*\n<svg /);
  });

  test.each([
    ['a folder that does not exist', ['--png', 'nowhere/code.png'], 78, 'create it, or name a file'],
    ['a folder', ['--svg', '.'], 78, 'it is a folder; name a file'],
    ['a file for a folder', ['--png', 'file/code.png'], 78, 'file is not a folder; name a file in one'],
    ['a name too long', ['--png', 'x'.repeat(300)], 78, 'the name is too long; shorten it'],
    ['a device', ['--png', '/dev/null'], 78, 'it exists and is not a regular file; name another'],
    ['stdout', ['--png', '-'], 64, '--png writes a file: name it, such as code.png'],
    ['no name', ['--svg='], 64, '--svg writes a file: name it, such as code.svg'],
    ['one file for both', ['--png', 'a', '--svg', './a'], 64, 'name one for each'],
    ['--force alone', ['--force'], 64, '--force is only for --png and --svg'],
  ])('says what to do about %s', async (_what, words, exit, advice) => {
    writeFileSync(join(folder, 'file'), '');
    const named = words.map((word) => (/^[-/]|^$/.test(word) ? word : join(folder, word)));
    const result = await invite(...named);
    expect(result).toMatchObject({ exit, out: '', err: expect.stringContaining(advice) });
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('strips control characters of the name and of values (X8)', async () => {
    const { err } = await invite('--png', join(folder, '\u001b[2J', 'code.png'));
    expect(err).not.toContain('\u001b');
    const result = await invite('--svg', svg, '--set', 'broker.url=amqp://me:x@mq.example.org/a%1b%5b2Jb');
    expect(result.exit).toBe(0);
    const text = 'Username: dev1\nVirtual host: ab\nPort: 5672\nExchange: dev1_OUTGOING_SMS';
    const url = 'Url: http://127.0.0.1:6969/v3/publish\nHost: mq.example.org\n';
    expect(readFileSync(svg, 'utf8')).toBe(drawSvg(encodeQrCode(`${url}${text}`)));
  });

  test('says that the values are too long for a code', async () => {
    const cli = createCli({ env: { SWOB_AUTH_KEY: 'k'.repeat(3_000) } });
    const set = ['--set', 'broker.url=amqp://me:x@mq.example.org/'];
    expect(await cli.swob('sms', 'invite', 'dev1', '--show-key', '--png', png, ...set)).toBe(65);
    expect(cli.err.text).toContain('a QR code holds 2953; shorten the values in it');
    expect(existsSync(png)).toBe(false);
  });
});
