// `swob sync qr`: shows the QR codes of a pairing session until a phone has paired.

import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import { loopbackAdvice } from '../../client/loopback-advice.ts';
import { connectSync, isWebSocketUrl, maxSessionMs } from '../../client/sync-client.ts';
import { closeError, type SyncEvent } from '../../client/sync-events.ts';
import type { Context, GatewayApi } from '../../context.ts';
import {
  addQrFileOptions,
  noRoomAdvice,
  prepareQrFiles,
  type QrFileOptions,
  type QrFiles,
} from '../../qr-files.ts';
import { encodeQrCode, type QrModules } from '../../terminal/qr-code.ts';
import { layOutQrCode } from '../../terminal/qr-layout.ts';

interface Options extends QrFileOptions {
  readonly url?: string;
  readonly once?: boolean;
  readonly small?: boolean;
}

/** The displayed QR code. */
interface DisplayedCode {
  readonly url: string;
  readonly modules: QrModules;
  /** Starts at 1. */
  readonly number: number;
  /** Expiry on the monotonic clock, in milliseconds. */
  readonly until: number;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<user>', 'user id')
    .option('--url <url>', 'URL of the gateway (http, https) or of the sync websocket of a session (ws, wss)')
    .option('--once', 'print the first code and exit')
    .option('--small', 'draw codes at half the size, as on small terminals');
  addQrFileOptions(command)
    .addHelpText(
      'after',
      `
Exits with 0 when a phone has paired, with 1 when none did in time. On a terminal, codes are black on white; elsewhere they
are plain text, which scans when displayed light on dark. Files are black on white. Each new code replaces the previous one
in the files before it is printed, and the last one stays. Only their owner can read the files.

Example:
  swob sync qr alice --small
  swob sync qr alice --png code.png --force
  swob sync qr alice --once --json | jq -r .qr_url`,
    )
    .action(async (user: string, options: Options) => {
      const files = await prepareQrFiles(options);
      const socketUrl = options.url !== undefined && isWebSocketUrl(options.url) ? options.url : undefined;
      return context.withGateway(socketUrl === undefined ? options.url : undefined, (client) =>
        showCodes(context, client, user, socketUrl, options, files),
      );
    });
}

async function showCodes(
  { io: { clock, stdout }, printer }: Context,
  client: GatewayApi,
  user: string,
  socketUrl: string | undefined,
  { once, small = false }: Options,
  files: QrFiles,
): Promise<void> {
  const { session_change_limit: of, session_sleep_timeout: shownMs } = client.config.sync;
  let code: DisplayedCode | undefined;

  const draw = (): void => {
    if (!code) return;
    const seconds = Math.max(0, Math.ceil((code.until - clock.monotonic()) / 1000));
    const countdown = `code ${code.number} of ${of}, ${seconds} s left`;
    const { art, captions } = layOutQrCode(code.modules, [code.url, countdown], {
      small,
      stdout,
      colour: printer.interactive,
    });
    printer.startBlock();
    if (art === undefined) printer.line(noRoomAdvice(files), 'yellow');
    else printer.raw(`${art.join('\n')}\n`);
    for (const caption of captions) printer.line(caption, caption === countdown ? 'dim' : undefined);
  };
  const encode = async (url: string): Promise<DisplayedCode> => {
    const number = (code?.number ?? 0) + 1;
    const until = clock.monotonic() + shownMs;
    const modules = printer.json && files.names.length === 0 ? [] : encodeQrCode(url);
    await files.write(modules);
    return { url, modules, number, until };
  };
  const show = (next: DisplayedCode, mobileUrl: string): void => {
    code = next;
    const { url, number } = code;
    if (printer.json) {
      printer.value({
        event: 'url',
        qr_url: url,
        mobile_url: mobileUrl,
        number,
        of,
        seconds: shownMs / 1000,
      });
      return;
    }
    const advice = number === 1 ? loopbackAdvice(url, client.config) : undefined;
    if (advice !== undefined) printer.note(advice);
    draw();
  };
  const handleEvent = (event: Exclude<SyncEvent, { readonly kind: 'url' }>): void => {
    if (printer.json) {
      const { kind, ...rest } = event;
      printer.value({ event: kind, ...rest });
    } else if (event.kind === 'paused') {
      printer.startBlock();
      printer.line('phone connected: enter the password on it', 'yellow');
    } else if (event.kind === 'paired') {
      printer.startBlock();
      printer.line('paired', 'green');
    }
  };

  const socket = await connectSync(client, clock, user, socketUrl);
  const deadline = clock.monotonic() + maxSessionMs(client);
  let countdown = true;
  const redraw = (): void => {
    if (countdown && printer.interactive && !printer.json) draw();
  };
  const stopCountdown = clock.every(1_000, redraw);
  stdout.on('resize', redraw);
  try {
    for (;;) {
      const event = await socket.next(deadline - clock.monotonic());
      if (!event) throw new SwobError('UNREACHABLE', 'the server did not end the session in time');
      countdown = event.kind === 'url';
      // The files come first, so that a script finds the code in them as soon as it is printed.
      if (event.kind === 'url') show(await encode(event.qrUrl), event.mobileUrl);
      else handleEvent(event);
      if (event.kind === 'paired' || (once && event.kind === 'url')) return;
      if (event.kind === 'closed') throw closeError(event.code, event.reason);
    }
  } finally {
    stopCountdown();
    stdout.removeListener('resize', redraw);
    socket.close();
  }
}
