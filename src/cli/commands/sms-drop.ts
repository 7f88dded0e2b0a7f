// `swob sms drop`: forgets messages that were given up.

import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addDeskOptions, type DeskOptions, withDesk } from '../message-desk.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addDeskOptions(command.argument('<ids...>', 'messages, as `swob sms failed` lists them'))
    .addHelpText(
      'after',
      '\nPrints how many are forgotten. Exits with 1 when one was not given up.\n\nExample:\n  swob sms drop 5d41402abc4b2a76b9719d911017c592',
    )
    .action((ids: readonly string[], options: DeskOptions) =>
      withDesk(context, options, async (ask) => {
        for (const id of ids) await ask('DELETE', `/sms/messages/${encodeURIComponent(id)}`);
        if (printer.json) printer.value({ dropped: ids.length });
        else printer.line(String(ids.length));
      }),
    );
}
