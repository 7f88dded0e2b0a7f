// A gateway with a key file, and command lines of `swob sms` for it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { msisdn, startMessaging } from '../../../support/messaging.ts';
import { createCli } from '../../harness.ts';

export const message = 'g:to@example.org:::subject:body';

/** Starts the gateway with a key file, and returns command lines configured for both. */
export async function startMessagingCli(options: Parameters<typeof startMessaging>[0] = {}) {
  const setup = await startMessaging(options);
  const keyFile = join(setup.folder, 'key.txt');
  writeFileSync(keyFile, `${setup.sharedKey}\n`);
  const at = ['--set', `api.port=${new URL(setup.gateway).port}`];
  const admin = ['--set', `security.admin_token_filepath=${join(setup.folder, 'admin.token')}`];
  const swob = async (words: readonly string[], cli = createCli()) => {
    const exit = await cli.swob(...words, ...at, ...admin);
    return { exit, out: cli.out.text, err: cli.err.text, values: cli.values };
  };
  return { ...setup, keyFile, swob };
}

export const idIn = (out: string): string => /\(([0-9a-f]{32})\)/.exec(out)?.[1] ?? '';

/** Sends a message that the Publisher rejects permanently. */
export async function sendDeadLetter({
  publisher,
  clock,
  swob,
  keyFile,
}: Awaited<ReturnType<typeof startMessagingCli>>) {
  // Entries are listed in the order of arrival.
  clock.advance(1);
  publisher.setMode('reject', { count: 1 });
  return idIn((await swob(['sms', 'send', msisdn, message, '--key', keyFile])).out);
}
