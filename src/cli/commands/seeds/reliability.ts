// `swob seeds reliability`: lists gateway clients with their reliability.

import type { Command } from 'commander';
import { listClients } from '../../client/reliability-api.ts';
import type { Context } from '../../context.ts';
import { formatElapsed } from '../../terminal/elapsed.ts';

export function define(command: Command, context: Context): void {
  command
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)')
    .addHelpText(
      'after',
      '\nLists active seeds, and phones that are known by the SMS that they have delivered. The reliability is the share of tests\nof the last 30 days that arrived within 3 minutes, in percent; 0.00 also without any test.\n\nExample:\n  swob seeds reliability',
    )
    .action(({ url }: { readonly url?: string }) =>
      context.withGateway(url, async ({ http }) => {
        const { printer, io } = context;
        const clients = await listClients(http);
        if (printer.json) return printer.value(clients);
        if (clients.length === 0) return printer.note('no gateway clients');
        const now = io.clock.now() / 1_000;
        printer.table(
          ['MSISDN', 'COUNTRY', 'OPERATOR', 'RELIABILITY', 'LAST SEEN'],
          clients.map(({ msisdn, country, operator, reliability, last_published_date: last }) => [
            ...[msisdn, country, operator, reliability].map(cell),
            typeof last === 'number' ? `${formatElapsed(Math.max(0, now - last))} ago` : '-',
          ]),
        );
      }),
    );
}

function cell(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : '-';
}
