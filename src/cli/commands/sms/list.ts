// `swob sms list`: lists the messages that wait for a retry.

import type { Command } from 'commander';
import {
  addMessageAdminOptions,
  failureReason,
  formatTime,
  type Message,
  type MessageAdminOptions,
  parseMessages,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(command)
    .addHelpText(
      'after',
      "\nLists at most 1,000 messages by due time, with the reason of the last failure; last those that wait for an earlier message\nof their sender. `swob sms retry` retries immediately.\n\nExample:\n  swob sms list --json | jq -r '.[].id'",
    )
    .action((options: MessageAdminOptions) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const list = await callAdmin('GET', '/sms/waiting');
        const messages = parseMessages(list);
        if (printer.json) return printer.value(list);
        if (messages.length === 0) return printer.note('no message is waiting');
        printer.table(
          ['ID', 'SENDER', 'RECEIVED', 'ATTEMPTS', 'NEXT', 'WHY'],
          messages.map((message) => [
            message.id,
            message.msisdn,
            formatTime(message.history[0]?.at),
            String(message.attempts),
            nextAttempt(message),
            failureReason(message),
          ]),
        );
      }),
    );
}

function nextAttempt({ state, behind, dueAt }: Message): string {
  if (state === 'sending') return 'under way';
  return behind ? 'after an earlier one' : formatTime(dueAt);
}
