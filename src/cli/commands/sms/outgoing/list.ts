// `swob sms outgoing list`: lists outgoing SMS with their states.

import { type Command, Option } from 'commander';
import { messageStates } from '../../../../domain/outgoing/message.ts';
import {
  addMessageAdminOptions,
  type MessageAdminOptions,
  withMessageAdmin,
} from '../../../client/message-admin.ts';
import { describeState, listOutgoing, type OutgoingSms } from '../../../client/outgoing-messages.ts';
import type { Context } from '../../../context.ts';
import { countUpTo } from '../../../input/option-parsers.ts';
import { parseSince, type Since, sinceHelp, timeOfSince } from '../../../input/since.ts';

interface Options extends MessageAdminOptions {
  readonly authId?: string;
  readonly request?: string;
  readonly msisdn?: string;
  readonly operator?: string;
  readonly state?: string;
  readonly since?: Since;
  readonly limit: number;
}

const maxListed = 100_000;

export function define(command: Command, context: Context): void {
  const { printer, io } = context;
  addMessageAdminOptions(command)
    .option('--auth-id <auth-id>', 'only those of this developer')
    .option('--request <uuid>', 'only those of requests with this uuid')
    .option('--msisdn <MSISDN>', 'phone number of the recipient, E.164')
    .option('--operator <name>', 'only those to this operator')
    .addOption(new Option('--state <state>', 'only those in this state').choices(messageStates))
    .option('--since <time>', sinceHelp, parseSince)
    .option('--limit <n>', `at most so many, up to ${maxListed}`, countUpTo(maxListed), 100)
    .addHelpText(
      'after',
      `
Newest first. With --json one object a line. SMS are kept for [outgoing] keep and up to [outgoing] max_messages.

Example:
  swob sms outgoing list --state failed --since 1h
  swob sms outgoing list --request 5ba7b810-9dad-11d1-80b4-00c04fd430c8 --json | jq -r .state | sort | uniq -c`,
    )
    .action((options: Options) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const { since, limit, ...filters } = options;
        const at = since && timeOfSince(since, io.clock.now());
        const rows: string[][] = [];
        const found = listOutgoing(callAdmin, { ...filters, ...(at !== undefined && { since: at }) }, limit);
        for await (const sms of found) {
          if (printer.json) printer.value(sms);
          else rows.push(rowOf(sms));
        }
        if (printer.json) return;
        if (rows.length === 0) return printer.note('no such SMS');
        printer.table(['ID', 'QUEUED', 'DEVELOPER', 'NUMBER', 'OPERATOR', 'PARTS', 'STATE'], rows);
      }),
    );
}

function rowOf(sms: OutgoingSms): string[] {
  const { queued }: { queued?: unknown } = Object(sms.times);
  const cells = [sms.id, queued, sms.auth_id, sms.number, sms.operator_name, sms.parts, describeState(sms)];
  return cells.map((value) => (value === undefined || value === '' ? '-' : String(value)));
}
