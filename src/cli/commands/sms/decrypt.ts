// `swob sms decrypt`: decrypts an SMS.

import type { Command } from 'commander';
import { decryptSms } from '../../../crypto/sms-cipher.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { readSharedKey, readText, sharedKeyOption } from '../../input/shared-key.ts';

export function define(command: Command, context: Context): void {
  command
    .argument('<text>', 'the encrypted SMS, @file or - (stdin)')
    .addOption(sharedKeyOption())
    .addHelpText(
      'after',
      '\nExits with 1 when the SMS cannot be decrypted with this key. --json preserves control characters.\n\nExample:\n  swob sms decrypt @sms.txt --key key.txt',
    )
    .action((text: string, options: { readonly key: string }) => run(context, text, options.key));
}

async function run(context: Context, argument: string, file: string): Promise<void> {
  const { printer } = context;
  if (argument === '-' && file === '-') {
    throw new SwobError('USAGE', 'the text and --key cannot both be read from stdin');
  }
  const key = await readSharedKey(context, file);
  const message = decryptSms(key, await readText(context, argument, 'text'));
  if (message === undefined) {
    throw new SwobError(
      'REFUSED',
      'cannot decrypt: the key is another one, or the text is not an encrypted SMS',
    );
  }
  if (printer.json) printer.value({ message });
  else for (const line of message.split('\n')) printer.line(line);
}
