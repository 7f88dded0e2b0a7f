// `swob sms outgoing token`: prints the token with which the phones of a developer report what became of SMS.

import type { Command } from 'commander';
import { createStatusToken } from '../../../../crypto/status-token.ts';
import { SwobError } from '../../../../errors.ts';
import type { Context } from '../../../context.ts';
import { parseAuthId } from '../../../input/broker.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .argument('<auth-id>', 'auth id of the developer')
    .addHelpText(
      'after',
      `
Derives the token from [outgoing] status_secret without calling a gateway. Phones send it with their reports, as
Authorization: Bearer <token>, or as ?token=<token> of the URL.

Example:
  swob sms outgoing token dev1 > token`,
    )
    .action(async (given: string) => {
      const authId = parseAuthId(given, '<auth-id>');
      const { config } = await context.loadConfig();
      const { status_secret: secret } = config.outgoing;
      if (secret === '')
        throw new SwobError('CONFIG', '[outgoing] status_secret is not set, so reports are refused');
      const token = createStatusToken(secret, authId);
      if (printer.json) printer.value({ authId, token });
      else printer.line(token);
    });
}
