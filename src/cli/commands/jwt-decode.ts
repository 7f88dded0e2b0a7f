// `swob jwt decode`: what a token says, whoever signed it.

import type { Command } from 'commander';
import { decodeToken } from '../../crypto/jwt.ts';
import type { Context } from '../context.ts';
import { requireSecret } from '../secret.ts';

export function define(command: Command, context: Context): void {
  command
    .argument('[token]', 'the token, @file or -; else SWOB_TOKEN')
    .addHelpText(
      'after',
      '\nPrints the header and the payload, a line each. Exits with 65 when it is no token.\n\nExample:\n  swob jwt decode @token.txt',
    )
    .action((token?: string) => run(context, token));
}

async function run({ io, printer }: Context, argument: string | undefined): Promise<void> {
  const token = await requireSecret(argument, { name: 'token', variable: 'SWOB_TOKEN', io, printer });
  const { header, payload, headerText, payloadText } = decodeToken(token);
  printer.warn('NOTHING WAS VERIFIED: anyone can have written this; swob jwt verify checks it');
  if (printer.json) printer.value({ verified: false, header, payload });
  else {
    // As it was signed: a number of 19 digits keeps them all.
    printer.line(headerText);
    printer.line(payloadText);
  }
}
