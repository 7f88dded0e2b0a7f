// `swob pairings list`: lists who paired a phone when, and by which key.

import type { Command } from 'commander';
import {
  addMessageAdminOptions,
  type MessageAdminOptions,
  withMessageAdmin,
} from '../../client/message-admin.ts';
import { parsePairing, parsePairingPage, shortFingerprint, timeOf } from '../../client/pairings.ts';
import type { Context } from '../../context.ts';

const maxListed = 1_000;

export function define(command: Command, context: Context): void {
  addMessageAdminOptions(command.argument('[prefix]', 'list only the users whose id begins with this'))
    .addHelpText(
      'after',
      `
Lists at most ${maxListed.toLocaleString('en')} pairings in the order of user ids, also revoked ones; a prefix narrows the list. KEY is the beginning of the SHA-256
of the phone's public key; --json has all of it.

Example:
  swob pairings list
  swob pairings list --json ali | jq -r '.[].userId'`,
    )
    .action((prefix: string | undefined, options: MessageAdminOptions) =>
      withMessageAdmin(context, options, async (callAdmin) => {
        const query = new URLSearchParams({ limit: String(maxListed), prefix: prefix ?? '' });
        const { pairings, hasMore } = parsePairingPage(await callAdmin('GET', `/sync/users?${query}`));
        print(context, pairings);
        if (hasMore)
          context.printer.note(`only the first ${pairings.length}: give a longer prefix for the others`);
      }),
    );
}

function print({ printer }: Context, list: readonly unknown[]): void {
  if (printer.json) return printer.value(list);
  const pairings = list.map(parsePairing);
  if (pairings.length === 0) return printer.note('no phone has paired');
  printer.table(
    ['USER', 'PAIRED', 'KEY', 'STATE'],
    pairings.map(({ userId, pairedAt, fingerprint, revokedAt }) => [
      userId,
      timeOf(pairedAt),
      shortFingerprint(fingerprint),
      revokedAt === undefined ? 'paired' : `revoked ${timeOf(revokedAt)}`,
    ]),
  );
}
