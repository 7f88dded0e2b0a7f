// `swob sms outgoing show`: shows what became of one outgoing SMS.

import type { Command } from 'commander';
import { isObject } from '../../../../lib/json.ts';
import {
  addMessageAdminOptions,
  type MessageAdminOptions,
  withMessageAdmin,
} from '../../../client/message-admin.ts';
import { describeState, showOutgoing } from '../../../client/outgoing-messages.ts';
import type { Context } from '../../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(
    command.argument('<id>', 'id of the message, from `swob sms outgoing list` or the response of /v1/sms'),
  )
    .addHelpText(
      'after',
      `
Shows its state with the time of each change, and what it waits for. Exits with 1 when it is unknown.

Example:
  swob sms outgoing show 1234567890`,
    )
    .action((id: string, options: MessageAdminOptions) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const sms = await showOutgoing(callAdmin, id);
        if (printer.json) return printer.value(sms);
        const { state, reason, times, ...rest } = sms;
        printer.line(`state: ${describeState(sms)}`);
        for (const [entered, at] of Object.entries(isObject(times) ? times : {})) {
          printer.line(`${entered} at: ${String(at)}`);
        }
        for (const [name, value] of Object.entries(rest)) printer.line(`${name}: ${String(value)}`);
      }),
    );
}
