// `swob pairings revoke`: revokes the pairing of a user.

import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import { isObject } from '../../../lib/json.ts';
import {
  type AdminRequest,
  addMessageAdminOptions,
  type MessageAdminOptions,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import {
  type Pairing,
  parsePairing,
  parsePairingPage,
  shortFingerprint,
  timeOf,
} from '../../client/pairings.ts';
import type { Context } from '../../context.ts';

interface Options extends MessageAdminOptions {
  readonly dryRun?: boolean;
}

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addMessageAdminOptions(command.argument('<user>', 'user id'))
    .option('--dry-run', 'show the pairing that would be revoked, and revoke none')
    .addHelpText(
      'after',
      `
From then on no SMS is decrypted under a key that the user's phones have, on any node and also after a restart. Messages that
were decrypted before and wait for the Publisher are still published; \`swob sms drop\` deletes those that are dead-lettered. The
user can pair again at any time. Exits with 1 when the user has never paired.

Example:
  swob pairings revoke alice`,
    )
    .action((user: string, options: Options) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        if (options.dryRun) {
          const pairing = await findPairing(callAdmin, user);
          if (printer.json) printer.value({ dryRun: true, ...pairing });
          else printer.line(`dry run: ${described(pairing)} would be revoked`);
          return;
        }
        const answer = await callAdmin('DELETE', `/sync/users/${encodeURIComponent(user)}/paired`);
        const pairing = parsePairing(answer);
        if (printer.json) printer.value(answer);
        else if (isObject(answer) && answer.revokedNow === true)
          printer.line(`revoked ${described(pairing)}`);
        else printer.line(`${described(pairing)} was revoked before, ${timeOf(pairing.revokedAt)}`);
      }),
    );
}

/** Throws NOT_FOUND. */
async function findPairing(callAdmin: AdminRequest, user: string): Promise<Pairing> {
  const query = new URLSearchParams({ limit: '1', prefix: user });
  const { pairings } = parsePairingPage(await callAdmin('GET', `/sync/users?${query}`));
  const found = pairings.map(parsePairing).find(({ userId }) => userId === user);
  if (found) return found;
  throw new SwobError('NOT_FOUND', 'this user has not paired');
}

function described({ userId, pairedAt, fingerprint }: Pairing): string {
  return `the pairing of ${userId} of ${timeOf(pairedAt)} with key ${shortFingerprint(fingerprint)}`;
}
