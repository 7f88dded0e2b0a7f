// `swob jwt decode`: prints the content of a token without verifying it.

import type { Command } from 'commander';
import { decodeToken } from '../../../crypto/jwt.ts';
import type { Context } from '../../context.ts';
import { requireSecret } from '../../input/secret.ts';

export function define(command: Command, context: Context): void {
  command
    .argument('[token]', 'the token, @file or - (default: SWOB_TOKEN)')
    .addHelpText(
      'after',
      '\nPrints the header and the payload, one line each. Exits with 65 when the text is not a token.\n\nExample:\n  swob jwt decode @token.txt',
    )
    .action((token?: string) => run(context, token));
}

async function run({ io, printer }: Context, argument: string | undefined): Promise<void> {
  const token = await requireSecret(argument, {
    name: 'token',
    variable: 'SWOB_TOKEN',
    trimmed: true,
    io,
    printer,
  });
  const { header, payload, headerText, payloadText } = decodeToken(token);
  printer.warn('NOT VERIFIED: anyone can have written this token; `swob jwt verify` verifies it');
  if (printer.json) printer.value({ verified: false, header, payload });
  else {
    // Print the signed text, in which a number keeps all of its 19 digits.
    printer.line(headerText);
    printer.line(payloadText);
  }
}
