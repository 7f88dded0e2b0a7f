// `swob sync qr`: shows the QR codes of a pairing session until a phone has paired.

import type { Command } from 'commander';
import qrcode from 'qrcode-terminal';
import { SwobError } from '../../errors.ts';
import type { Client, Context } from '../context.ts';
import { connectSync, isSocketUrl, sessionBoundMs } from '../sync-client.ts';
import { closeError, type SyncEvent } from '../sync-events.ts';

interface Options {
  readonly url?: string;
  readonly once?: boolean;
  readonly small?: boolean;
}

/** The code on display. */
interface Code {
  readonly url: string;
  /** Its QR code as lines of terminal text. */
  readonly art: string;
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
    .option('--small', 'half as large')
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
  { io: { clock }, printer }: Context,
  client: Client,
  user: string,
  socketUrl: string | undefined,
  { once, small }: Options,
): Promise<void> {
  const { session_change_limit: of, session_sleep_timeout: shownMs } = client.config.sync;
  let code: Code | undefined;

  const draw = (): void => {
    if (!code) return;
    printer.startBlock();
    printer.raw(`${code.art}\n`);
    printer.line(code.url);
    const seconds = Math.max(0, Math.ceil((code.until - clock.monotonic()) / 1000));
    printer.line(`code ${code.number} of ${of}, ${seconds} s left`, 'dim');
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
      const art = printer.json ? '' : draws(url, small || !printer.interactive);
      code = { url, art, number, until: clock.monotonic() + shownMs };
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
  const stopCountdown = clock.every(1_000, () => {
    if (countdown && printer.interactive && !printer.json) draw();
  });
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
    socket.close();
  }
}

/** The QR code as terminal text. */
function draws(url: string, small: boolean): string {
  let art = '';
  qrcode.generate(url, { small }, (drawn) => {
    art = drawn;
  });
  return art;
}
