// `swob sms send`: encrypts an SMS as the app does, and submits it as a gateway phone does.

import type { Command } from 'commander';
import type { Config } from '../../../config/schema.ts';
import { canonicalSms, encryptSms } from '../../../crypto/sms-cipher.ts';
import { smsId } from '../../../domain/inbound/sms-id.ts';
import { SwobError } from '../../../errors.ts';
import { excerpt, responseError } from '../../client/error-response.ts';
import type { Context } from '../../context.ts';
import { readSharedKey, readText, sharedKeyOption } from '../../input/shared-key.ts';

interface Options {
  readonly key: string;
  readonly msisdn?: string;
  readonly dryRun?: boolean;
  readonly url?: string;
  readonly explain?: boolean;
  readonly token?: string;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<user>', 'user id of the sender; also the phone number, unless --msisdn is given')
    .argument(
      '<text>',
      'message for the Publisher, such as g:to@example.org:::subject:body; @file or - (stdin)',
    )
    .addOption(sharedKeyOption())
    .option('--msisdn <MSISDN>', 'phone number of the sender')
    .option('--dry-run', 'print the encrypted SMS instead of sending it')
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)')
    .option('--explain', 'explain why the SMS was refused or waits; needs the admin token')
    .option(
      '--token <@file|->',
      'admin token (default: SWOB_TOKEN, then the file of [security] admin_token_filepath)',
    )
    .addHelpText(
      'after',
      `
Prints the response and the id of the message, for \`swob sms trace\`. Exits with 1 when the SMS is refused. The response
does not contain the reason, so that strangers cannot find out who has paired; --explain fetches it as the operator.

Example:
  swob sms send alice 'g:bob@example.org:::Hello:I am well' --msisdn +237650393369 --key key.txt`,
    )
    .action((user: string, text: string, options: Options) => run(context, user, text, options));
}

async function run(context: Context, user: string, argument: string, options: Options): Promise<void> {
  const { printer } = context;
  const { msisdn = user, dryRun = false, url } = options;
  const key = await readSharedKey(context, options.key);
  const message = await readText(context, argument, 'text');
  if (message === '') throw new SwobError('USAGE', 'the text is empty: nothing to publish');
  const text = encryptSms(key, message);
  if (dryRun) return printer.json ? printer.value({ text, MSISDN: msisdn }) : printer.line(text);

  await context.withGateway(url, async ({ config, http }) => {
    const body = { text, MSISDN: msisdn };
    const received = await http.request({ method: 'POST', path: '/sms/platform/gateway-client', body });
    const id = received.header('x-message-id');
    const why = options.explain
      ? await explain(context, options, id ?? (await messageId(config, msisdn, text)), received.status)
      : undefined;
    if (received.status >= 300)
      throw withExplanation(responseError({ ...received, statusText: '' }, 'gateway'), why);
    const answer = excerpt(received.text);
    if (id === undefined)
      throw withExplanation(new SwobError('REFUSED', `the gateway responded: ${answer}`), why);
    if (printer.json) printer.value({ answer, id, ...(why !== undefined && { explanation: why }) });
    else printer.line(`${answer} (${id})${why === undefined ? '' : `: ${why}`}`);
  });
}

const tooManyRequests = 429;
const explanations: Readonly<Record<string, string>> = {
  published: 'published',
  sending: 'sent to the Publisher, which has not responded yet',
};

/** Fetches the state of the message as the operator. */
async function explain(context: Context, options: Options, id: string, status: number): Promise<string> {
  const { parseMessage, withMessageAdmin, failureReason } = await import('../../client/message-admin.ts');
  let why = '';
  await withMessageAdmin(context, options, async (callAdmin) => {
    // A rate-limited SMS has no history.
    if (status === tooManyRequests) {
      why = 'refused: the submitting address or the sender has exceeded [limits] sms';
      return;
    }
    const message = parseMessage(await callAdmin('GET', `/sms/messages/${id}`));
    why = explanations[message.state] ?? `${message.state}: ${failureReason(message)}`;
  });
  return why;
}

/** The id that the gateway gives a refused SMS, if it has the same [numbers] as this configuration. */
async function messageId(config: Config, sender: string, text: string): Promise<string> {
  const { createNumberParser } = await import('../../../app/compose/telecom.ts');
  const number = createNumberParser(config)(sender);
  return smsId(number.kind === 'number' ? number.msisdn : sender, canonicalSms(text) ?? text);
}

function withExplanation(error: SwobError, why: string | undefined): SwobError {
  return why === undefined ? error : new SwobError(error.code, `${error.message}\n  ${why}`);
}
