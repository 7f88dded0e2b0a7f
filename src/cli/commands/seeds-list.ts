// `swob seeds list`: the gateway's active seeds, once or over and over.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import { overAndOver } from '../again.ts';
import type { Client, Context } from '../context.ts';
import type { Printer } from '../printer.ts';

interface Options {
  readonly seeders?: boolean;
  readonly watch?: boolean;
  readonly url?: string;
}

const watchIntervalMs = 2_000;

export function define(command: Command, context: Context): void {
  command
    .option('--seeders', 'only those of type seeder')
    .option('--watch', 'again every 2 seconds, until Ctrl-C')
    .option('--url <url>', 'the gateway, in place of [api] host and port')
    .addHelpText(
      'after',
      '\nWith --watch a gateway that is away, full or limiting is said on stderr, and the watch goes on.\n\nExample:\n  swob seeds list --watch\n  swob seeds list --json | jq -r .[].MSISDN',
    )
    .action(({ seeders = false, watch = false, url }: Options) =>
      context.withGateway(url, async (client) => {
        const show = async (): Promise<void> => {
          const seeds = await fetchSeeds(client, seeders);
          context.printer.startBlock();
          print(seeds, context.printer, context.io.clock.now() / 1000);
        };
        await (watch ? overAndOver(context, watchIntervalMs, client.signal, show) : show());
      }),
    );
}

/** The server's array as it is; each element is at least an object. */
async function fetchSeeds({ http }: Client, seeders: boolean): Promise<object[]> {
  const seeds = await http.json({ path: seeders ? '/seeders' : '/seeds' });
  if (Array.isArray(seeds) && seeds.every((seed) => typeof seed === 'object' && seed !== null)) return seeds;
  throw new SwobError('UPSTREAM', `${http.baseUrl} did not answer with a list of seeds; is it a gateway?`);
}

function print(seeds: readonly object[], printer: Printer, nowSeconds: number): void {
  if (printer.json) return printer.value(seeds);
  if (seeds.length === 0 && printer.interactive) return printer.line('no active seeds', 'dim');
  if (seeds.length === 0) return printer.note('no active seeds');
  printer.table(
    ['IMSI', 'MSISDN', 'TYPE', 'COUNTRY', 'OPERATOR', 'AGE'],
    seeds.map((seed) => {
      const { IMSI, MSISDN, seed_type, country, operator_name, LPS } = Object.fromEntries(
        Object.entries(seed),
      );
      return [
        ...[IMSI, MSISDN, seed_type, country, operator_name].map(cell),
        typeof LPS === 'number' ? `${Math.max(0, nowSeconds - LPS).toFixed(1)} s` : '-',
      ];
    }),
  );
}

function cell(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}
