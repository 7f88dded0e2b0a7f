// `swob sync pair`: pairs as the phone would, for tests and scripts.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Client, Context } from '../context.ts';
import { handshakeUrl, type Paired, pairAsPhone } from '../phone.ts';
import { checkWritable, writeWhole } from '../ready-file.ts';
import { requireSecret } from '../secret.ts';
import { connectSync, isSocketUrl, type SyncSocket } from '../sync-client.ts';
import { closeError } from '../sync-events.ts';

interface Options {
  readonly password?: string;
  readonly url?: string;
  readonly out?: string;
}

/** For the first URL, and for pause and ack together. */
const frameTimeoutMs = 5_000;

export function define(command: Command, context: Context): void {
  command
    .argument('<user>', 'user id')
    .option('--password <@file|->', "the user's password; else SWOB_PASSWORD")
    .option('--url <url>', 'the gateway, a sync websocket, or what the QR code says (http, https, app, apps)')
    .option('--out <file>', 'write the shared key there (mode 0600) and not to stdout')
    .addHelpText(
      'after',
      '\nPrints the shared key, 32 hex characters. Exits with 1 when the password or the session is refused.\n\nExample:\n  swob sync pair alice --password @password.txt --out key.txt',
    )
    .action((user: string, options: Options) => run(context, user, options));
}

async function run(context: Context, user: string, options: Options): Promise<void> {
  const { io, printer } = context;
  const { url, out } = options;
  // Pairing replaces the key of the phone before: a new one that could not be kept would leave none.
  if (out !== undefined) await checkWritable(out, 'UNAVAILABLE');
  const password = await requireSecret(options.password, {
    name: '--password',
    variable: 'SWOB_PASSWORD',
    io,
    printer,
  });
  const scanned = url === undefined ? undefined : handshakeUrl(url);
  const socketUrl = url !== undefined && isSocketUrl(url) ? url : undefined;
  const gateway = scanned === undefined && socketUrl === undefined ? url : undefined;
  const paired = await context.withGateway(gateway, (client) =>
    scanned === undefined
      ? pairOverSocket(context, client, user, socketUrl, password)
      : pairAsPhone(client.http, scanned, password),
  );
  await tell(context, paired, out);
}

async function pairOverSocket(
  { io, printer }: Context,
  client: Client,
  user: string,
  socketUrl: string | undefined,
  password: string,
): Promise<Paired> {
  const socket = await connectSync(client, io.clock, user, socketUrl);
  try {
    const first = await socket.next(frameTimeoutMs);
    if (first?.kind === 'closed') throw closeError(first.code, first.reason);
    const url = first?.kind === 'url' ? handshakeUrl(first.qrUrl) : undefined;
    if (url === undefined) throw new SwobError('UPSTREAM', 'the sync websocket sent no handshake URL');
    const paired = await pairAsPhone(client.http, url, password);
    for (const missing of await missingFrames(socket, io.clock.monotonic)) {
      printer.warn(`paired, but the sync websocket was not told: no ${missing} frame came`);
    }
    return paired;
  } finally {
    socket.close();
  }
}

/** Waits, not for long, for the two frames with which a web page is told. */
async function missingFrames(socket: SyncSocket, monotonic: () => number): Promise<string[]> {
  const deadline = monotonic() + frameTimeoutMs;
  let paused = false;
  for (;;) {
    const event = await socket.next(deadline - monotonic());
    if (event?.kind === 'paused') paused = true;
    if (event?.kind === 'paired') return paused ? [] : ['pause'];
    if (!event || event.kind === 'closed') return paused ? ['ack'] : ['pause', 'ack'];
  }
}

async function tell({ printer }: Context, paired: Paired, out: string | undefined): Promise<void> {
  const { sharedKey, platforms, seedsUrl } = paired;
  if (out !== undefined) {
    await writeWhole(out, `${sharedKey}\n`, 0o600);
    printer.note(`paired; the shared key is in ${out}`);
  }
  if (printer.json) {
    printer.value({
      ...(out === undefined && { shared_key: sharedKey }),
      user_platforms: platforms,
      seeds_url: seedsUrl,
    });
  } else if (out === undefined) printer.line(sharedKey);
}
