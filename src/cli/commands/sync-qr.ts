// `swob sync qr`: shows the QR codes of a pairing session until a phone has paired.

import type { Command } from 'commander';
import qrcode from 'qrcode-terminal';
import { SwobError } from '../../errors.ts';
import type { Client, Context } from '../context.ts';
import type { Output } from '../io.ts';
import { connectSync, isSocketUrl, sessionBoundMs } from '../sync-client.ts';
import { closeError, type SyncEvent } from '../sync-events.ts';
import { rowsOf, sizeOf, widthOf } from '../terminal.ts';

interface Options {
  readonly url?: string;
  readonly once?: boolean;
  readonly small?: boolean;
}

/** The code on display. */
interface Code {
  readonly url: string;
  /** Its QR code as lines of terminal text, in each form that will do; the best first. */
  readonly forms: readonly string[];
  /** Counted from 1. */
  readonly number: number;
  /** On the monotonic clock, in milliseconds. */
  readonly until: number;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<user>', 'user id')
    .option('--url <url>', 'the gateway (http, https), or the sync websocket of a session (ws, wss)')
    .option('--once', 'print the first code and end')
    .option('--small', 'half as large, which a terminal with no room for more gets anyway')
    .addHelpText(
      'after',
      '\nExits with 0 when a phone has paired, with 1 when none did in time.\n\nExample:\n  swob sync qr alice --small\n  swob sync qr alice --once --json | jq -r .qr_url',
    )
    .action((user: string, options: Options) => {
      const socketUrl = options.url !== undefined && isSocketUrl(options.url) ? options.url : undefined;
      return context.withGateway(socketUrl === undefined ? options.url : undefined, (client) =>
        show(context, client, user, socketUrl, options),
      );
    });
}

async function show(
  { io: { clock, stdout }, printer }: Context,
  client: Client,
  user: string,
  socketUrl: string | undefined,
  { once, small }: Options,
): Promise<void> {
  const { session_change_limit: of, session_sleep_timeout: shownMs } = client.config.sync;
  let code: Code | undefined;

  const draw = (): void => {
    if (!code) return;
    const seconds = Math.max(0, Math.ceil((code.until - clock.monotonic()) / 1000));
    const countdown = `code ${code.number} of ${of}, ${seconds} s left`;
    const below = [code.url, countdown];
    const form = code.forms.find((candidate) => fits(candidate.split('\n'), below, stdout));
    printer.startBlock();
    if (form === undefined) printer.line('no room for the QR code: make the terminal larger', 'yellow');
    else printer.raw(`${form}\n`);
    printer.line(code.url);
    printer.line(countdown, 'dim');
  };
  const tell = (event: SyncEvent): void => {
    if (event.kind === 'url') {
      const number = (code?.number ?? 0) + 1;
      const { qrUrl: url, mobileUrl } = event;
      if (printer.json) {
        printer.value({
          event: 'url',
          qr_url: url,
          mobile_url: mobileUrl,
          number,
          of,
          seconds: shownMs / 1000,
        });
      }
      // Without a terminal the large form would be colour codes in a file.
      const forms = small || !printer.interactive ? [true] : [false, true];
      code = {
        url,
        forms: printer.json ? [] : forms.map((form) => draws(url, form)),
        number,
        until: clock.monotonic() + shownMs,
      };
      if (!printer.json) draw();
    } else if (printer.json) {
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
  const deadline = clock.monotonic() + sessionBoundMs(client);
  let countdown = true;
  const redraw = (): void => {
    if (countdown && printer.interactive && !printer.json) draw();
  };
  const stopCountdown = clock.every(1_000, redraw);
  stdout.on('resize', redraw);
  try {
    for (;;) {
      const event = await socket.next(deadline - clock.monotonic());
      if (!event)
        throw new SwobError('UNREACHABLE', 'the server kept the session open for longer than one lasts');
      countdown = event.kind === 'url';
      tell(event);
      if (event.kind === 'paired' || (once && event.kind === 'url')) return;
      if (event.kind === 'closed') throw closeError(event.code, event.reason);
    }
  } finally {
    stopCountdown();
    stdout.removeListener('resize', redraw);
    socket.close();
  }
}

/** Whether a phone can read the code: no line of it wraps, and none is pushed off the terminal by the lines below. */
function fits(art: readonly string[], below: readonly string[], stdout: Output): boolean {
  const size = sizeOf(stdout);
  if (!size) return true;
  // The last row is the cursor's.
  const free = size.rows - 1 - rowsOf(below, size.columns);
  return art.length <= free && art.every((line) => widthOf(line) <= size.columns);
}

/** The QR code as lines of terminal text. */
function draws(url: string, small: boolean): string {
  let art = '';
  qrcode.generate(url, { small }, (drawn) => {
    // The small form ends with a line end, which would cost a row.
    art = drawn.trimEnd();
  });
  return art;
}
