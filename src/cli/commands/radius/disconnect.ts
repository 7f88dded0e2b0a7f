// `swob radius disconnect`: sends one Disconnect-Request to a NAS by hand.

import { isIP } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { sendDisconnect } from '../../../app/compose/radius-by-hand.ts';
import { readNasSecret } from '../../../app/nas-secret-watcher.ts';
import { type NasProfileName, nasProfileNames } from '../../../domain/wifi/nas-profiles.ts';
import { checkWifiSession } from '../../../domain/wifi/session-claims.ts';
import { SwobError } from '../../../errors.ts';
import { unbracketHost } from '../../../lib/net.ts';
import type { Context } from '../../context.ts';
import { parseDurationOption } from '../../input/token-key.ts';

interface Options {
  readonly nas: { readonly address: string; readonly port: number };
  readonly secretFile: string;
  readonly user?: string;
  readonly session: string;
  readonly mac: string;
  readonly clientIp?: string;
  readonly profile: NasProfileName;
  readonly sourceAddress?: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly retries: number;
}

const defaultPort = 3799;
const maxTimeoutMs = 3_600_000;

export function define(command: Command, context: Context): void {
  command
    .requiredOption(
      '--nas <address>',
      `IP address of the NAS, with :port unless it is ${defaultPort}`,
      parseNas,
    )
    .requiredOption('--secret-file <file>', 'file of the shared secret')
    .requiredOption('--session <session>', 'Acct-Session-Id of the session')
    .requiredOption('--mac <mac>', 'MAC address of the device, in any form')
    .option('--user <name>', 'User-Name of the session')
    .option('--client-ip <address>', 'IP address of the device, for a NAS that needs it')
    .addOption(new Option('--profile <profile>', 'kind of NAS').choices(nasProfileNames).default('generic'))
    .option('--source-address <address>', 'address to send from (default: the system chooses)', parseAddress)
    .addOption(
      new Option('--timeout <duration>', 'timeout of the answer, retransmissions included')
        .argParser(parseDurationOption)
        .default(5_000, '5s'),
    )
    .option('--retries <number>', 'retransmissions within that time', parseRetries, 3)
    .addHelpText(
      'after',
      `
Needs no configuration and no service. Exits with 1 and the Error-Cause in words when the NAS refuses, with 69 when it does not
answer: then check address, port and secret, and whether the NAS allows this machine.

Example:
  swob radius disconnect --nas 10.0.0.1 --secret-file nas.secret --user alice --session 5692549928996307964 --mac FC-45-96-5F-50-AC`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { printer, io } = context;
  const { nas, user, session: sessionId, mac, clientIp, timeout } = options;
  if (timeout === 0) throw new SwobError('USAGE', '--timeout must be longer than 0');
  const claims = { sub: user, sessionId, nasIp: nas.address, vrf: '', clientMac: mac, clientIp };
  const { session, faults } = checkWifiSession(claims, { emptyVrf: true });
  if (faults.length > 0)
    throw new SwobError('USAGE', faults.map((fault) => fault.replace('clientMac', '--mac')).join(', '));
  const secret = await readNasSecret('--secret-file', options.secretFile);
  const result = await context.interruptible((signal) =>
    sendDisconnect(
      {
        ...options,
        session,
        port: nas.port,
        sourceAddress: options.sourceAddress ?? '',
        timeoutMs: Math.min(timeout, maxTimeoutMs),
        secret,
      },
      io.clock,
      signal,
    ),
  );
  if (printer.json) printer.value(result);
  if (result.kind === 'disconnected') {
    if (printer.json) return;
    printer.line('disconnected');
    for (const each of result.notDone ?? []) printer.note(each);
    return;
  }
  const isRefusal = result.kind === 'rejected' || result.kind === 'already gone';
  const code = isRefusal ? 'REFUSED' : result.kind === 'bad session' ? 'USAGE' : 'UNREACHABLE';
  throw new SwobError(code, `not disconnected: ${result.reason}`);
}

/** `10.0.0.1`, `10.0.0.1:1700`, `2001:db8::1`, `[2001:db8::1]:1700`. */
function parseNas(text: string): Options['nas'] {
  const [, host = text, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (number < 1 || number > 65_535) throw new InvalidArgumentError('Expected a port from 1 to 65535.');
  return { address: parseAddress(unbracketHost(host)), port: number };
}

function parseAddress(text: string): string {
  if (isIP(text) !== 0 && !text.includes('%')) return text;
  throw new InvalidArgumentError('Expected an IP address.');
}

function parseRetries(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) <= 10) return Number(text);
  throw new InvalidArgumentError('Expected a number from 0 to 10.');
}
