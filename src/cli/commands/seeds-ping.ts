// `swob seeds ping`: says to the gateway that a seed is alive, once or over and over.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../config/kinds.ts';
import { SwobError } from '../../errors.ts';
import { overAndOver } from '../again.ts';
import type { Context } from '../context.ts';
import { readSecret } from '../secret.ts';

interface Options {
  readonly type: string;
  /** Milliseconds. */
  readonly every?: number;
  readonly token?: string;
  readonly url?: string;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<IMSI>', 'subscriber identity of the SIM')
    .argument('<MSISDN>', 'its phone number')
    .addOption(new Option('--type <type>', 'what to register as').choices(['seed', 'seeder']).default('seed'))
    .option('--every <duration>', 'again and again, such as 10s, until a signal', interval)
    .option('--token <@file|->', 'token of `swob seeds token`; else SWOB_TOKEN, when set')
    .option('--url <url>', 'the gateway, in place of [api] host and port')
    .addHelpText(
      'after',
      '\nPrints the LPS. With --every a gateway that is away, full or limiting is said on stderr, and the pings go on.\n\nExample:\n  swob seeds ping 624012345678901 +237650000001\n  swob seeds ping 624012345678901 +237650000001 --type seeder --every 10s',
    )
    .action((imsi: string, msisdn: string, options: Options) => run(context, imsi, msisdn, options));
}

async function run(context: Context, imsi: string, msisdn: string, options: Options): Promise<void> {
  const { io, printer } = context;
  const { type, every, url } = options;
  const token = await readSecret(options.token, { name: '--token', variable: 'SWOB_TOKEN', io, printer });
  await context.withGateway(url, async ({ http, signal }) => {
    const ping = async (): Promise<void> => {
      const lps = Number(
        await http.text({
          method: 'POST',
          path: '/seeds/ping',
          body: { IMSI: imsi, MSISDN: msisdn, seed_type: type },
          ...(token !== undefined && { headers: { Authorization: `Bearer ${token}` } }),
        }),
      );
      if (!Number.isFinite(lps))
        throw new SwobError('UPSTREAM', `${http.baseUrl} did not answer with an LPS`);
      if (printer.json) printer.value({ LPS: lps });
      else printer.line(String(lps));
    };
    await (every === undefined ? ping() : overAndOver(context, every, signal, ping));
  });
}

function interval(text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms >= 100 && ms <= parseDuration('1d')) return ms;
  } catch {
    // Told below, with the bounds.
  }
  throw new InvalidArgumentError('Expected a duration from 100ms to 1d, such as 10s.');
}
