// `swob seeds token`: the token that a gateway client needs when [seeds] token_secret is set.

import type { Command } from 'commander';
import { seedToken } from '../../crypto/seed-token.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .argument('<IMSI>', 'subscriber identity of the SIM')
    .addHelpText(
      'after',
      '\nMade from [seeds] token_secret; no gateway is called.\n\nExample:\n  swob seeds token 624012345678901 > token && swob seeds ping 624012345678901 +237650000001 --token @token',
    )
    .action(async (imsi: string) => {
      const { config } = await context.loadConfig();
      if (config.seeds.token_secret === '') {
        throw new SwobError('CONFIG', 'no token is needed: [seeds] token_secret is not set');
      }
      const token = seedToken(config.seeds.token_secret, imsi);
      if (printer.json) printer.value({ IMSI: imsi, token });
      else printer.line(token);
    });
}
