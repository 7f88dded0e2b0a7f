// `swob sms invite`: prints what to type into DekuSMS on a gateway phone.

import type { Command } from 'commander';
import type { Config } from '../../../config/schema.ts';
import { numberFaults } from '../../../domain/shared/phone-number.ts';
import { SwobError } from '../../../errors.ts';
import { printable } from '../../../lib/printable.ts';
import type { PhoneInvitation } from '../../client/phone-invitation.ts';
import type { Context } from '../../context.ts';
import { formerOption } from '../../input/former-option.ts';
import { requireSecret } from '../../input/secret.ts';
import {
  addQrFileOptions,
  noRoomAdvice,
  prepareQrFiles,
  type QrFileOptions,
  type QrFiles,
} from '../../qr-files.ts';
import type { Printer } from '../../terminal/printer.ts';
import { encodeQrCode, type QrModules } from '../../terminal/qr-code.ts';
import { layOutQrCode } from '../../terminal/qr-layout.ts';

interface Options extends QrFileOptions {
  readonly msisdn?: string;
  readonly broker?: string;
  readonly showKey?: boolean;
  readonly authKey?: string;
  readonly qr?: boolean;
  readonly small?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<auth-id>', 'auth id of the developer whose SMS the phone sends')
    .option('--msisdn <MSISDN>', 'phone number of the gateway phone, which becomes its tag')
    .addOption(formerOption('--number <MSISDN>', 'msisdn'))
    .option('--broker <host:port>', 'address of the broker for phones (default: that of [broker] url)')
    .option('--show-key', 'print the auth key as well')
    .option('--auth-key <@file|->', 'auth key for --show-key (default: SWOB_AUTH_KEY, then a prompt)')
    .option('--qr', 'print a QR code of the settings, to copy them on the phone')
    .option('--small', 'draw the code at half the size, as on small terminals');
  addQrFileOptions(command)
    .addHelpText(
      'after',
      `
Reads the configuration and calls nothing. With its own number as the tag, a phone is listed with what it delivered. The
developer must have subscribed before the phone connects. docs/phones.md explains each field.

--qr draws one code of all values, or two where the terminal has no room for it. A file has one code, black on white, and
only its owner can read it, because the code may contain the key. --png and --svg do not need --qr.

Example:
  swob sms invite dev1 --msisdn +237650393369
  swob sms invite dev1 --broker mq.example.org --qr --show-key
  swob sms invite dev1 --png dev1.png
  swob sms invite dev1 --json | jq -r .forwarding.url`,
    )
    .action((authId: string, options: Options) => run(context, authId, options));
}

async function run(context: Context, authId: string, options: Options): Promise<void> {
  const { io, printer } = context;
  if (options.authKey !== undefined && !options.showKey)
    throw new SwobError('USAGE', '--auth-key is only for --show-key');
  if (options.qr && printer.json) throw new SwobError('USAGE', '--qr and --json exclude each other');
  const files = await prepareQrFiles(options);
  const { config } = await context.loadConfig();
  const { createInvitation } = await import('../../client/phone-invitation.ts');
  const number = options.msisdn === undefined ? undefined : await normalise(config, options.msisdn);
  const secret = { name: '--auth-key', variable: 'SWOB_AUTH_KEY', trimmed: true, io, printer } as const;
  const authKey = options.showKey
    ? await requireSecret(options.authKey, { ...secret, question: `key of ${authId}` })
    : undefined;
  const invitation = createInvitation(config, { authId, number, authKey, broker: options.broker });
  if (files.names.length > 0) {
    await files.write(encodeWhole(invitation));
    printer.note(`wrote ${files.names.join(' and ')}`);
  }
  if (printer.json) printer.value(invitation);
  else {
    printInvitation(printer, invitation);
    for (const warning of invitation.warnings) printer.warn(warning);
  }
  if (options.qr) printQrCodes(context, invitation, options.small ?? false, files);
}

/** Throws USAGE with the reason. */
async function normalise(config: Config, text: string): Promise<string> {
  const { createNumberNormaliser } = await import('../../../app/compose/telecom.ts');
  const number = createNumberNormaliser(config)(text);
  if (number.kind === 'number') return number.msisdn;
  throw new SwobError('USAGE', `--msisdn: not a phone number: ${numberFaults[number.reason]}`);
}

function printInvitation(printer: Printer, { forwarding, sending }: PhoneInvitation): void {
  const print = (title: string, path: string, rows: readonly (readonly [string, string])[]): void => {
    printer.line(title, 'bold');
    printer.line(`  ${path}`);
    for (const [field, value] of rows) printer.line(`  ${field.padEnd(fieldWidth)}  ${value}`);
  };
  print(screens.forward, 'Message Forwarding > List gateway clients > (menu) > Add HTTP forwarders', [
    ['Enter Url', forwarding.url],
    ['Enter tag', forwarding.tag ?? "(the phone's own number, such as +237650393369)"],
  ]);
  if (!sending) return;
  printer.line('');
  print(screens.send, 'Remote listeners > New remote listener', [
    ['Host Url', sending.host],
    ['Username', sending.username],
    ['Password', sending.password ?? `(the auth key of ${sending.username})`],
    ['Friendly name', '(any)'],
    ['Virtual host', sending.virtual_host],
    ['Port', String(sending.port)],
    ['Choose protocol', sending.protocol],
  ]);
  printer.line('');
  print('Choose which SMS', 'Click to add queues > (add)', [
    ['Exchange', sending.exchange],
    ['Sim 1 Binding', `(as filled in: ${sending.binding}), or ${sending.binding_of_all} for all networks`],
  ]);
}

const screens = { forward: 'Forward received SMS', send: 'Send SMS of the developer' } as const;
const fieldWidth = 'Choose protocol'.length;

/** The values that are copied on a phone, for each of its two screens, without control characters as on the terminal. */
function textsOf({
  forwarding,
  sending,
}: PhoneInvitation): { readonly title: string; readonly text: string }[] {
  const all = [
    {
      title: screens.forward,
      rows: [
        ['Url', forwarding.url],
        ['Tag', forwarding.tag],
      ],
    },
    {
      title: screens.send,
      rows: [
        ['Host', sending?.host],
        ['Username', sending?.username],
        ['Password', sending?.password],
        ['Virtual host', sending?.virtual_host],
        ['Port', sending?.port],
        ['Exchange', sending?.exchange],
      ],
    },
  ];
  return all.flatMap(({ title, rows }) => {
    const given = rows.filter(([, value]) => value !== null && value !== undefined);
    return given.length === 0
      ? []
      : [{ title, text: given.map(([name, value]) => `${name}: ${printable(String(value))}`).join('\n') }];
  });
}

function encodeWhole(invitation: PhoneInvitation): QrModules {
  return encodeQrCode(
    textsOf(invitation)
      .map(({ text }) => text)
      .join('\n'),
  );
}

/** Prints one code of everything, or one for each screen of the app where the terminal has no room for that. */
function printQrCodes(
  { io, printer }: Context,
  invitation: PhoneInvitation,
  small: boolean,
  files: QrFiles,
): void {
  const options = { small, stdout: io.stdout, colour: printer.interactive };
  const whole = layOutQrCode(encodeWhole(invitation), [], options);
  const layouts = whole.art
    ? [whole]
    : textsOf(invitation).map(({ title, text }) => layOutQrCode(encodeQrCode(text), [title], options));
  if (layouts.some(({ art }) => art === undefined)) {
    printer.warn(noRoomAdvice(files));
    return;
  }
  for (const { art = [], captions } of layouts) {
    printer.raw(`${art.join('\n')}\n`);
    for (const caption of captions) printer.line(caption);
  }
}
