// `swob sms drop`: deletes dead-lettered messages.

import type { Command } from 'commander';
import {
  addMessageAdminOptions,
  deadLetteredStates,
  type MessageAdminOptions,
  requireStates,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';

interface Options extends MessageAdminOptions {
  readonly dryRun?: boolean;
}

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(command.argument('<ids...>', 'ids of messages, from `swob sms failed`'))
    .option('--dry-run', 'check that the messages are dead-lettered, and delete none')
    .addHelpText(
      'after',
      '\nPrints the number of deleted messages. Exits with 1 when a message is not dead-lettered.\n\nExample:\n  swob sms drop 5d41402abc4b2a76b9719d911017c592',
    )
    .action((ids: readonly string[], options: Options) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        if (options.dryRun) {
          await requireStates(callAdmin, ids, deadLetteredStates);
          if (printer.json) printer.value({ dryRun: true, dropped: ids.length });
          else printer.line(`dry run: ${ids.length} would be deleted`);
          return;
        }
        for (const id of ids) await callAdmin('DELETE', `/sms/messages/${encodeURIComponent(id)}`);
        if (printer.json) printer.value({ dropped: ids.length });
        else printer.line(String(ids.length));
      }),
    );
}
