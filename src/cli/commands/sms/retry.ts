// `swob sms retry`: retries dead-lettered or waiting messages.

import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import { isObject } from '../../../lib/json.ts';
import { changeEach, reportTally, type Tally } from '../../client/each-message.ts';
import {
  type AdminRequest,
  addMessageAdminOptions,
  deadLetteredStates,
  type MessageAdminOptions,
  requireState,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';

interface Options extends MessageAdminOptions {
  readonly all?: boolean;
  readonly waiting?: boolean;
  readonly dryRun?: boolean;
}

const retriedStates = new Set(['waiting', ...deadLetteredStates]);

export function define(command: Command, context: Context): void {
  addMessageAdminOptions(
    command.argument('[ids...]', 'ids of messages, from `swob sms failed` or `swob sms list`'),
  )
    .option('--all', 'all dead-lettered messages')
    .option('--waiting', 'all waiting messages, without further pause')
    .option('--dry-run', 'count the messages that would be retried, and retry none')
    .addHelpText(
      'after',
      '\nPrints the number of retried messages. Exits with 1 when a message is neither waiting nor dead-lettered, or is being\npublished; the others are retried.\n\nExample:\n  swob sms retry --all',
    )
    .action((ids: readonly string[], options: Options) => run(context, ids, options));
}

async function run(context: Context, ids: readonly string[], options: Options): Promise<void> {
  const { printer } = context;
  const { all = false, waiting = false, dryRun = false } = options;
  if ((all || waiting) === ids.length > 0)
    throw new SwobError('USAGE', 'give ids of messages, or --all, or --waiting');
  const report = (retried: number): void => {
    if (printer.json) printer.value({ ...(dryRun && { dryRun }), retried });
    else printer.line(dryRun ? `dry run: ${retried} would be retried` : String(retried));
  };
  await withMessageAdmin(context, options, (callAdmin) =>
    reportTally(report, async (tally) => {
      if (dryRun) return countRetried(callAdmin, ids, options, tally);
      await changeEach(ids, tally, (id) =>
        callAdmin('POST', `/sms/messages/${encodeURIComponent(id)}/retry`),
      );
      // Retry waiting messages first: retried dead letters become waiting messages and would count twice.
      if (waiting) await retryAll(callAdmin, '/sms/waiting/retry', tally);
      if (all) await retryAll(callAdmin, '/sms/failed/retry', tally);
    }),
  );
}

async function countRetried(
  callAdmin: AdminRequest,
  ids: readonly string[],
  { all = false, waiting = false }: Options,
  tally: Tally,
): Promise<void> {
  await changeEach(ids, tally, (id) => requireState(callAdmin, id, retriedStates));
  if (ids.length > 0) return;
  const summary = await callAdmin('GET', '/sms/summary');
  if (!isObject(summary) || !('waiting' in summary) || !('deadLetters' in summary)) throw unexpectedCounts();
  tally.count += (all ? Number(summary.deadLetters) : 0) + (waiting ? Number(summary.waiting) : 0);
}

/** Repeats the request, because the gateway retries a bounded number per call; stops at the initial count. */
async function retryAll(callAdmin: AdminRequest, path: string, tally: Tally): Promise<void> {
  let total = 0;
  let wanted = Number.POSITIVE_INFINITY;
  for (;;) {
    const { retried, left } = parseCounts(await callAdmin('POST', path));
    if (wanted === Number.POSITIVE_INFINITY) wanted = retried + left;
    total += retried;
    tally.count += retried;
    if (left === 0 || retried === 0 || total >= wanted) return;
  }
}

function parseCounts(body: unknown): { retried: number; left: number } {
  if (isObject(body) && 'retried' in body && 'left' in body) {
    return { retried: Number(body.retried), left: Number(body.left) };
  }
  throw unexpectedCounts();
}

function unexpectedCounts(): SwobError {
  return new SwobError('UPSTREAM', 'the gateway did not respond with the number of messages');
}
