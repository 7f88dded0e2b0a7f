// `swob sms failed`: messages for the Publisher that were given up.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { addDeskOptions, type DeskOptions, messageOf, timeOf, withDesk } from '../message-desk.ts';

export function define(command: Command, context: Context): void {
  addDeskOptions(command)
    .addHelpText(
      'after',
      '\nThe oldest first, 1,000 at most; `swob sms retry` tries them again.\n\nExample:\n  swob sms failed --json | jq -r .[].id',
    )
    .action((options: DeskOptions) =>
      withDesk(context, options, async (ask) => {
        const list = await ask('GET', '/sms/failed');
        if (!Array.isArray(list)) throw new SwobError('UPSTREAM', 'the gateway did not answer with a list');
        print(context, list);
      }),
    );
}

function print({ printer }: Context, list: readonly unknown[]): void {
  if (printer.json) return printer.value(list);
  if (list.length === 0) return printer.note('no message was given up');
  printer.table(
    ['ID', 'SENDER', 'RECEIVED', 'ATTEMPTS', 'WHY'],
    list.map((value) => {
      const { id, msisdn, attempts, life } = messageOf(value);
      const why = life.findLast(({ what }) => what.startsWith('attempt '))?.what ?? '-';
      return [id, msisdn, timeOf(life[0]?.at), String(attempts), why.replace(/^attempt \d+ failed: /, '')];
    }),
  );
}
