// `swob sms drop`: deletes dead-lettered messages.

import type { Command } from 'commander';
import { changeEach, reportTally } from '../../client/each-message.ts';
import {
  addMessageAdminOptions,
  deadLetteredStates,
  type MessageAdminOptions,
  requireState,
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
      '\nPrints the number of deleted messages. Exits with 1 when a message is not dead-lettered; the others are deleted.\n\nExample:\n  swob sms drop 5d41402abc4b2a76b9719d911017c592',
    )
    .action((ids: readonly string[], options: Options) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const { dryRun = false } = options;
        const report = (dropped: number): void => {
          if (printer.json) printer.value({ ...(dryRun && { dryRun }), dropped });
          else printer.line(dryRun ? `dry run: ${dropped} would be deleted` : String(dropped));
        };
        await reportTally(report, (tally) =>
          changeEach(ids, tally, (id) =>
            dryRun
              ? requireState(callAdmin, id, deadLetteredStates)
              : callAdmin('DELETE', `/sms/messages/${encodeURIComponent(id)}`),
          ),
        );
      }),
    );
}
