// `swob sms send`: encrypts as the app does, and posts as a gateway phone that received the SMS.

import type { Command } from 'commander';
import { encryptSms } from '../../crypto/sms-cipher.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { refusal, shown } from '../refusal.ts';
import { readSharedKey, readText, sharedKeyOption } from '../shared-key.ts';

interface Options {
  readonly key: string;
  readonly msisdn?: string;
  readonly dryRun?: boolean;
  readonly url?: string;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<user>', 'who sends; also the phone number, unless --msisdn gives another')
    .argument(
      '<text>',
      'what the Publisher gets, such as g:to@example.org:::subject:body; @file or - for stdin',
    )
    .addOption(sharedKeyOption())
    .option('--msisdn <number>', 'phone number that the SMS comes from')
    .option('--dry-run', 'print the encrypted SMS and send nothing')
    .option('--url <url>', 'the gateway, in place of [api] host and port')
    .addHelpText(
      'after',
      '\nPrints the answer and the id of the message, for `swob sms trace`. Exits with 1 when it cannot be published.\n\nExample:\n  swob sms send alice g:bob@example.org:::Hello:I am well --msisdn +237650393369 --key key.txt',
    )
    .action((user: string, text: string, options: Options) => run(context, user, text, options));
}

async function run(context: Context, user: string, argument: string, options: Options): Promise<void> {
  const { printer } = context;
  const { msisdn = user, dryRun = false, url } = options;
  const key = await readSharedKey(context, options.key);
  const message = await readText(context, argument, 'text');
  if (message === '') throw new SwobError('USAGE', 'the text is empty: there is nothing to publish');
  const text = encryptSms(key, message);
  if (dryRun) return printer.json ? printer.value({ text, MSISDN: msisdn }) : printer.line(text);

  await context.withGateway(url, async ({ http }) => {
    const body = { text, MSISDN: msisdn };
    const received = await http.exchange({ method: 'POST', path: '/sms/platform/gateway-client', body });
    if (received.status >= 300) throw refusal({ ...received, statusText: '' }, 'gateway');
    const answer = shown(received.text);
    const id = received.header('x-message-id');
    if (id === undefined) throw new SwobError('REFUSED', `the gateway answered: ${answer}`);
    if (printer.json) printer.value({ answer, id });
    else printer.line(`${answer} (${id})`);
  });
}
