// `swob seeds list`: lists the gateway's active seeds, once or repeatedly.

import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import { isObject } from '../../../lib/json.ts';
import type { Context, GatewayApi } from '../../context.ts';
import { repeatUntilAborted } from '../../repeat.ts';
import type { Printer } from '../../terminal/printer.ts';

interface Options {
  readonly seeders?: boolean;
  readonly watch?: boolean;
  readonly url?: string;
}

const watchIntervalMs = 2_000;

export function define(command: Command, context: Context): void {
  command
    .option('--seeders', 'list only seeds of type seeder')
    .option('--watch', 'repeat every 2 seconds until Ctrl-C')
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)')
    .addHelpText(
      'after',
      "\nWith --watch, an unreachable, overloaded or rate-limiting gateway is reported on stderr, once\na minute at most for the same reason, and the watch continues.\n\nExample:\n  swob seeds list --watch\n  swob seeds list --json | jq -r '.[].MSISDN'",
    )
    .action(({ seeders = false, watch = false, url }: Options) =>
      context.withGateway(url, async (client) => {
        const show = async (): Promise<void> => {
          const seeds = await fetchSeeds(client, seeders);
          context.printer.startBlock();
          print(seeds, context.printer, context.io.clock.now() / 1000);
        };
        await (watch ? repeatUntilAborted(context, watchIntervalMs, client.signal, show) : show());
      }),
    );
}

/** The server's array, unchanged; every element is an object. */
async function fetchSeeds({ http }: GatewayApi, seeders: boolean): Promise<object[]> {
  const seeds = await http.json({ path: seeders ? '/seeders' : '/seeds' });
  if (Array.isArray(seeds) && seeds.every(isObject)) return seeds;
  throw new SwobError('UPSTREAM', `${http.baseUrl} did not respond with a list of seeds; is it a gateway?`);
}

function print(seeds: readonly object[], printer: Printer, nowSeconds: number): void {
  if (printer.json) return printer.value(seeds);
  if (seeds.length === 0 && printer.interactive) return printer.line('no active seeds', 'dim');
  if (seeds.length === 0) return printer.note('no active seeds');
  printer.table(
    ['IMSI', 'MSISDN', 'TYPE', 'COUNTRY', 'OPERATOR', 'AGE'],
    seeds.map((seed) => {
      const { IMSI, MSISDN, seed_type, country, operator_name, operator_id, LPS } = Object.fromEntries(
        Object.entries(seed),
      );
      return [
        ...[IMSI, MSISDN, seed_type, country, operator_name ?? operator_id].map(cell),
        typeof LPS === 'number' ? `${Math.max(0, nowSeconds - LPS).toFixed(1)} s` : '-',
      ];
    }),
  );
}

function cell(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}
