// `swob sms trace`: the life of one message for the Publisher.

import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addDeskOptions, type DeskOptions, messageOf, timeOf, withDesk } from '../message-desk.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addDeskOptions(command.argument('<id>', 'as `swob sms send` prints it, and the X-Message-Id of the answer'))
    .addHelpText(
      'after',
      '\nA published message is remembered for [publisher] dedupe_window. Exits with 1 when there is none.\n\nExample:\n  swob sms trace 5d41402abc4b2a76b9719d911017c592',
    )
    .action((id: string, options: DeskOptions) =>
      withDesk(context, options, async (ask) => {
        const answer = await ask('GET', `/sms/messages/${encodeURIComponent(id)}`);
        if (printer.json) return printer.value(answer);
        const { state, life } = messageOf(answer);
        for (const { at, what } of life) printer.line(`${timeOf(at)}  ${what}`);
        printer.line(`now: ${state}`, state === 'published' ? 'green' : 'yellow');
      }),
    );
}
