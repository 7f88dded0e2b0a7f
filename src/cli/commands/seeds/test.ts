// `swob seeds test`: starts a reliability test of a gateway client, and waits for its SMS.

import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import { delay } from '../../../lib/delay.ts';
import { findTest, startTest } from '../../client/reliability-api.ts';
import type { Context } from '../../context.ts';
import { createTransientErrors } from '../../repeat.ts';

interface Options {
  readonly sender?: string;
  readonly wait?: boolean;
  readonly url?: string;
}

const pollMs = 2_000;
/** A minute longer than a test takes at the gateway. */
const maxWaitMs = 660_000;

export function define(command: Command, context: Context): void {
  command
    .argument('<MSISDN>', 'phone number of the gateway client')
    .option('--sender <MSISDN>', 'count only the SMS of this number')
    .option('--wait', 'wait until the SMS has arrived, 10 minutes at most')
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)')
    .addHelpText(
      'after',
      '\nPrints the id of the test: send it as an SMS to the number within 3 minutes, from any phone. With --wait, prints the\nresult, and exits with 1 when the SMS has not arrived; an unreachable gateway is reported, and the wait continues.\n\nExample:\n  swob seeds test +237650000001 --wait',
    )
    .action((msisdn: string, options: Options) => run(context, msisdn, options));
}

async function run(context: Context, msisdn: string, { sender, wait, url }: Options): Promise<void> {
  const { printer, io } = context;
  await context.withGateway(url, async ({ http, signal }) => {
    const { id, startTime } = await startTest(http, msisdn, sender);
    printer.note(`send an SMS with the text ${id} to ${msisdn}`);
    if (!wait) {
      if (printer.json) printer.value({ id, msisdn, start_time: startTime, status: 'pending' });
      else printer.line(String(id));
      return;
    }
    const errors = createTransientErrors(context);
    const end = io.clock.monotonic() + maxWaitMs;
    while (io.clock.monotonic() < end) {
      await delay(io.clock, pollMs, signal);
      // The SMS may arrive while the gateway restarts.
      const test = await findTest(http, msisdn, id).catch(errors.failed);
      if (!test) continue;
      errors.succeeded();
      if (test.status === 'pending') continue;
      if (printer.json) printer.value(test);
      else printer.line(describe(test, startTime));
      if (test.status === 'success') return;
      throw new SwobError('REFUSED', `the SMS of test ${id} has not arrived through ${msisdn}`);
    }
    throw new SwobError('UNAVAILABLE', `the gateway has reported no result of test ${id} for 11 minutes`);
  });
}

function describe({ status, sms_routed_time }: Record<string, unknown>, startTime: number): string {
  if (typeof sms_routed_time !== 'number') return String(status);
  return `${status} after ${Math.max(0, sms_routed_time - startTime)} s`;
}
