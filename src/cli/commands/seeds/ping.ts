// `swob seeds ping`: pings the gateway as a gateway client, once or repeatedly.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../../config/value-types.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { readSecret } from '../../input/secret.ts';
import { repeatUntilAborted } from '../../repeat.ts';

interface Options {
  readonly type: string;
  /** Milliseconds. */
  readonly every?: number;
  readonly token?: string;
  readonly url?: string;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<IMSI>', 'IMSI of the SIM')
    .argument('<MSISDN>', 'phone number of the SIM')
    .addOption(new Option('--type <type>', 'seed type').choices(['seed', 'seeder']).default('seed'))
    .option('--every <duration>', 'repeat at this interval, such as 10s, until a signal', parseInterval)
    .option('--token <@file|->', 'token of `swob seeds token` (default: SWOB_TOKEN)')
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)')
    .addHelpText(
      'after',
      '\nPrints the LPS. With --every, an unreachable, overloaded or rate-limiting gateway is reported on stderr, once\na minute at most for the same reason, and the pings continue.\n\nExample:\n  swob seeds ping 624012345678901 +237650000001\n  swob seeds ping 624012345678901 +237650000001 --type seeder --every 10s',
    )
    .action((imsi: string, msisdn: string, options: Options) => run(context, imsi, msisdn, options));
}

async function run(context: Context, imsi: string, msisdn: string, options: Options): Promise<void> {
  const { io, printer } = context;
  const { type, every, url } = options;
  const token = await readSecret(options.token, {
    name: '--token',
    variable: 'SWOB_TOKEN',
    trimmed: true,
    io,
    printer,
  });
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
      // An empty text is the number 0.
      if (!Number.isFinite(lps) || lps <= 0)
        throw new SwobError('UPSTREAM', `${http.baseUrl} did not respond with an LPS`);
      if (printer.json) printer.value({ LPS: lps });
      else printer.line(String(lps));
    };
    await (every === undefined ? ping() : repeatUntilAborted(context, every, signal, ping));
  });
}

function parseInterval(text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms >= 100 && ms <= parseDuration('1d')) return ms;
  } catch {
    // Reported below, with the bounds.
  }
  throw new InvalidArgumentError('Expected a duration from 100ms to 1d, such as 10s.');
}
