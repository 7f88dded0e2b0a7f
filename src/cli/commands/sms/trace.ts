// `swob sms trace`: shows the history of a message, refused ones included.

import type { Command } from 'commander';
import {
  addMessageAdminOptions,
  formatTime,
  type MessageAdminOptions,
  parseMessage,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(
    command.argument('<id>', 'id of the message, from `swob sms send` or the response header X-Message-Id'),
  )
    .addHelpText(
      'after',
      '\nPublished messages are kept for [publisher] dedupe_window; of the refused ones only the last. Exits with 1 when the\nmessage is unknown.\n\nExample:\n  swob sms trace 5d41402abc4b2a76b9719d911017c592',
    )
    .action((id: string, options: MessageAdminOptions) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const body = await callAdmin('GET', `/sms/messages/${encodeURIComponent(id)}`);
        if (printer.json) return printer.value(body);
        const { state, history } = parseMessage(body);
        for (const { at, event } of history) printer.line(`${formatTime(at)}  ${event}`);
        printer.line(`now: ${state}`, state === 'published' ? 'green' : 'yellow');
      }),
    );
}
