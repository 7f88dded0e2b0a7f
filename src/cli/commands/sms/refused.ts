// `swob sms refused`: lists the recently refused SMS, why they were refused, and what to do about it.

import type { Command } from 'commander';
import { isObject } from '../../../lib/json.ts';
import {
  addMessageAdminOptions,
  formatTime,
  type MessageAdminOptions,
  parseMessage,
  unexpectedList,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';
import { countUpTo } from '../../input/option-parsers.ts';
import { parseSince, type Since, sinceHelp } from '../../input/since.ts';

interface Options extends MessageAdminOptions {
  /** As the query of the route. */
  readonly since?: Since;
  readonly limit: number;
}

const maxListed = 1_000;

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(command)
    .option('--since <time>', sinceHelp, parseSince)
    .option('--limit <n>', `at most so many, up to ${maxListed}`, countUpTo(maxListed), maxListed)
    .addHelpText(
      'after',
      `
Newest first, with what can be done about each reason. Responses to phones do not contain the reason. The gateway keeps
only the last 200 SMS of each reason, in memory. Duplicates were not published again, but got the response of the first.

Example:
  swob sms refused --since 10m
  swob sms refused --json | jq -r 'group_by(.reason)[] | "\\(length) \\(.[0].reason)"'`,
    )
    .action((options: Options) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const since = options.since === undefined ? '' : `&${queryOf(options.since)}`;
        const list = await callAdmin('GET', `/sms/refused?limit=${options.limit}${since}`);
        if (!Array.isArray(list)) throw unexpectedList();
        const refused = list.map(parseRefused);
        if (printer.json) return printer.value(list);
        if (refused.length === 0) return printer.note('no SMS was refused recently');
        printer.table(
          ['ID', 'SENDER', 'LAST', 'TIMES', 'REASON', 'WHY'],
          refused.map(({ id, msisdn, at, times, reason, why }) => [id, msisdn, at, times, reason, why]),
        );
        const remedies = new Map(refused.map(({ reason, remedy }) => [reason, remedy]));
        for (const [reason, remedy] of remedies) printer.note(`${reason}: ${remedy}`);
      }),
    );
}

/** Throws UPSTREAM when the value is not a message. */
function parseRefused(value: unknown) {
  const { id, msisdn, history } = parseMessage(value);
  const { reason, times, remedy }: Record<string, unknown> = isObject(value) ? value : {};
  const last = history.at(-1);
  return {
    id,
    msisdn,
    at: formatTime(last?.at),
    times: String(times ?? 1),
    reason: String(reason ?? '-'),
    why: last?.event.replace(/^refused(?: \(\d+ times\))?: /, '') ?? '-',
    remedy: String(remedy ?? 'see the log of the gateway'),
  };
}

/** The age is measured by the clock of the gateway. */
function queryOf(since: Since): string {
  return 'age' in since ? `within=${since.age}` : `since=${since.at}`;
}
