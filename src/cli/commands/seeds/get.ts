// `swob seeds get`: prints the phone number of an active seed.

import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import { fetchSeedNumber } from '../../client/seed-number.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .argument('<IMSI>', 'IMSI of the SIM')
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)')
    .addHelpText(
      'after',
      '\nExits with 1 when no active seed has this IMSI.\n\nExample:\n  swob seeds get 624012345678901',
    )
    .action((imsi: string, { url }: { readonly url?: string }) =>
      context.withGateway(url, async ({ http }) => {
        const msisdn = await fetchSeedNumber(http, imsi);
        if (msisdn === undefined) throw new SwobError('NOT_FOUND', `no active seed has the IMSI ${imsi}`);
        if (printer.json) printer.value({ IMSI: imsi, MSISDN: msisdn });
        else printer.line(msisdn);
      }),
    );
}
