// `swob sync pair`: pairs as a phone would, and prints the shared key.

import type { Command } from 'commander';
import { printable } from '../../../lib/printable.ts';
import { type PairingResult, pairAsPhone, parseHandshakeUrl } from '../../client/phone-pairing.ts';
import { pairOverSocket } from '../../client/socket-pairing.ts';
import { isWebSocketUrl } from '../../client/sync-client.ts';
import type { Context } from '../../context.ts';
import { requireSecret } from '../../input/secret.ts';
import { checkWritable, writeFileAtomic } from '../../ready-file.ts';

interface Options {
  readonly password?: string;
  readonly url?: string;
  readonly out?: string;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<user>', 'user id')
    .option('--password <@file|->', 'password of the user (default: SWOB_PASSWORD, then a prompt)')
    .option(
      '--url <url>',
      'URL of the gateway, of a sync websocket, or from a QR code (http, https, app, apps)',
    )
    .option('--out <file>', 'write the shared key to this file (mode 0600) instead of stdout')
    .addHelpText(
      'after',
      '\nPrints the shared key, 32 hex characters. Exits with 1 when the gateway rejects the password or the session.\n\nExample:\n  swob sync pair alice --password @password.txt --out key.txt',
    )
    .action((user: string, options: Options) => run(context, user, options));
}

async function run(context: Context, user: string, options: Options): Promise<void> {
  const { io, printer } = context;
  const { url, out } = options;
  // Check first: pairing replaces the previous key, so a new key that cannot be saved would be lost.
  if (out !== undefined) await checkWritable(out, 'UNAVAILABLE');
  const password = await requireSecret(options.password, {
    name: '--password',
    variable: 'SWOB_PASSWORD',
    question: `password of ${printable(user)}`,
    io,
    printer,
  });
  const scanned = url === undefined ? undefined : parseHandshakeUrl(url);
  const socketUrl = url !== undefined && isWebSocketUrl(url) ? url : undefined;
  const gateway = scanned === undefined && socketUrl === undefined ? url : undefined;
  const paired = await context.withGateway(gateway, async (client) =>
    scanned === undefined
      ? pairOverSocket(client, { clock: io.clock, user, url: socketUrl, password })
      : { ...(await pairAsPhone(client.http, scanned, password)), missing: [] },
  );
  for (const missing of paired.missing) {
    printer.warn(`paired, but the sync websocket received no ${missing} frame`);
  }
  await printResult(context, paired, out);
}

async function printResult(
  { printer }: Context,
  paired: PairingResult,
  out: string | undefined,
): Promise<void> {
  const { sharedKey, platforms, seedsUrl } = paired;
  if (out !== undefined) {
    await writeFileAtomic(out, `${sharedKey}\n`, 0o600);
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
