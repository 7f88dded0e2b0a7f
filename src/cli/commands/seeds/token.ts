// `swob seeds token`: prints the token that a gateway client needs when [seeds] token_secret is set.

import type { Command } from 'commander';
import { createSeedToken } from '../../../crypto/seed-token.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .argument('<IMSI>', 'IMSI of the SIM')
    .addHelpText(
      'after',
      '\nDerives the token from [seeds] token_secret without calling a gateway.\n\nExample:\n  swob seeds token 624012345678901 > token && swob seeds ping 624012345678901 +237650000001 --token @token',
    )
    .action(async (imsi: string) => {
      const { config } = await context.loadConfig();
      if (config.seeds.token_secret === '') {
        throw new SwobError('CONFIG', '[seeds] token_secret is not set, so pings need no token');
      }
      const token = createSeedToken(config.seeds.token_secret, imsi);
      if (printer.json) printer.value({ IMSI: imsi, token });
      else printer.line(token);
    });
}
