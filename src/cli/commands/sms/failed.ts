// `swob sms failed`: lists the dead-lettered messages.

import type { Command } from 'commander';
import {
  addMessageAdminOptions,
  failureReason,
  formatTime,
  type MessageAdminOptions,
  parseMessages,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  addMessageAdminOptions(command)
    .addHelpText(
      'after',
      `
Lists at most 1,000 messages, oldest first; \`swob sms retry\` retries them. \`outcome unknown\` means that the Publisher
received the message and did not respond, so it may have been delivered.

Example:
  swob sms failed --json | jq -r '.[].id'`,
    )
    .action((options: MessageAdminOptions) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        print(context, await callAdmin('GET', '/sms/failed'));
      }),
    );
}

function print({ printer }: Context, list: unknown): void {
  const messages = parseMessages(list);
  if (printer.json) return printer.value(list);
  if (messages.length === 0) return printer.note('no message is dead-lettered');
  printer.table(
    ['ID', 'SENDER', 'RECEIVED', 'ATTEMPTS', 'WHY'],
    messages.map((message) => [
      message.id,
      message.msisdn,
      formatTime(message.history[0]?.at),
      String(message.attempts),
      failureReason(message),
    ]),
  );
}
