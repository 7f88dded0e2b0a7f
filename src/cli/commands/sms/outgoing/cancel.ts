// `swob sms outgoing cancel`: cancels outgoing SMS that RabbitMQ does not have yet.

import type { Command } from 'commander';
import { SwobError } from '../../../../errors.ts';
import { changeEach, reportTally } from '../../../client/each-message.ts';
import {
  type AdminRequest,
  addMessageAdminOptions,
  type MessageAdminOptions,
  withMessageAdmin,
} from '../../../client/message-admin.ts';
import {
  canBeCancelled,
  cancelOutgoing,
  describeState,
  listOutgoing,
  showOutgoing,
} from '../../../client/outgoing-messages.ts';
import type { Context } from '../../../context.ts';

interface Options extends MessageAdminOptions {
  readonly request?: string;
  readonly authId?: string;
  readonly dryRun?: boolean;
}

/** The most that requests with one uuid have. */
const maxOfRequest = 100_000;

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(command.argument('[ids...]', 'ids of messages, from `swob sms outgoing list`'))
    .option('--request <uuid>', 'all SMS of requests with this uuid that can still be cancelled')
    .option('--auth-id <auth-id>', 'with --request: only those of this developer')
    .option('--dry-run', 'show how many would be cancelled, and cancel none')
    .addHelpText(
      'after',
      `
An SMS can be cancelled while it waits in swob: for its time, a rate limit, quiet hours, or RabbitMQ. Prints the number of
cancelled SMS. Exits with 1 when one of the ids is unknown or it is too late for it; the others are cancelled.

Example:
  swob sms outgoing cancel 1234567890
  swob sms outgoing cancel --request 5ba7b810-9dad-11d1-80b4-00c04fd430c8 --dry-run`,
    )
    .action((ids: readonly string[], options: Options) => {
      const { request, authId, dryRun = false } = options;
      if ((ids.length === 0) === (request === undefined)) {
        throw new SwobError('USAGE', 'give ids of SMS, or --request <uuid>');
      }
      const report = (cancelled: number): void => {
        if (printer.json) printer.value({ ...(dryRun && { dryRun }), cancelled });
        else printer.line(dryRun ? `dry run: ${cancelled} would be cancelled` : String(cancelled));
      };
      return withMessageAdmin(context, options, (callAdmin) =>
        reportTally(report, async (tally) => {
          await changeEach(ids, tally, async (id) =>
            dryRun ? requireCancellable(await showOutgoing(callAdmin, id)) : cancelOutgoing(callAdmin, id),
          );
          if (request === undefined) return;
          const filters = { request, state: 'queued', ...(authId !== undefined && { authId }) };
          for await (const sms of listOutgoing(callAdmin, filters, maxOfRequest)) {
            if (canBeCancelled(sms) && (dryRun || (await isCancelled(callAdmin, sms.id)))) tally.count++;
          }
        }),
      );
    });
}

/** False when RabbitMQ has got it meanwhile. */
async function isCancelled(callAdmin: AdminRequest, id: string): Promise<boolean> {
  try {
    await cancelOutgoing(callAdmin, id);
    return true;
  } catch (error) {
    if (error instanceof SwobError && error.code === 'CONFLICT') return false;
    throw error;
  }
}

/** Throws CONFLICT. */
function requireCancellable(sms: Awaited<ReturnType<typeof showOutgoing>>): void {
  if (canBeCancelled(sms) || sms.state === 'cancelled') return;
  throw new SwobError('CONFLICT', `SMS ${sms.id} cannot be cancelled: ${describeState(sms)}`);
}
