// `swob sms retry`: has messages tried again that were given up.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { addDeskOptions, type DeskOptions, withDesk } from '../message-desk.ts';

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
    let retried = ids.length;
    if (all) retried = countOf(await ask('POST', '/sms/failed/retry'));
    else for (const id of ids) await ask('POST', `/sms/messages/${encodeURIComponent(id)}/retry`);
    if (printer.json) printer.value({ retried });
    else printer.line(String(retried));
  });
}

function countOf(answer: unknown): number {
  if (typeof answer === 'object' && answer !== null && 'retried' in answer) return Number(answer.retried);
  throw new SwobError('UPSTREAM', 'the gateway did not say how many are tried again');
}
