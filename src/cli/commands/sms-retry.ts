// `swob sms retry`: has messages tried again that were given up.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { type Ask, addDeskOptions, type DeskOptions, withDesk } from '../message-desk.ts';

interface Options extends DeskOptions {
  readonly all?: boolean;
}

export function define(command: Command, context: Context): void {
  addDeskOptions(command.argument('[ids...]', 'messages, as `swob sms failed` lists them'))
    .option('--all', 'all that were given up')
    .addHelpText(
      'after',
      '\nPrints how many are tried again. Exits with 1 when one was not given up.\n\nExample:\n  swob sms retry --all',
    )
    .action((ids: readonly string[], options: Options) => run(context, ids, options));
}

async function run(context: Context, ids: readonly string[], options: Options): Promise<void> {
  const { printer } = context;
  const { all = false } = options;
  if (all === ids.length > 0) throw new SwobError('USAGE', 'give ids of messages, or --all');
  await withDesk(context, options, async (ask) => {
    for (const id of ids) await ask('POST', `/sms/messages/${encodeURIComponent(id)}/retry`);
    const retried = all ? await retryAll(ask) : ids.length;
    if (printer.json) printer.value({ retried });
    else printer.line(String(retried));
  });
}

/** The gateway does so many at a time. Those that fail again meanwhile are not tried for ever. */
async function retryAll(ask: Ask): Promise<number> {
  let total = 0;
  let wanted = Number.POSITIVE_INFINITY;
  for (;;) {
    const { retried, left } = countsOf(await ask('POST', '/sms/failed/retry'));
    if (wanted === Number.POSITIVE_INFINITY) wanted = retried + left;
    total += retried;
    if (left === 0 || retried === 0 || total >= wanted) return total;
  }
}

function countsOf(answer: unknown): { retried: number; left: number } {
  if (typeof answer === 'object' && answer !== null && 'retried' in answer && 'left' in answer) {
    return { retried: Number(answer.retried), left: Number(answer.left) };
  }
  throw new SwobError('UPSTREAM', 'the gateway did not say how many are tried again');
}
