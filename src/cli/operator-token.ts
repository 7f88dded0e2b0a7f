// The admin token with which an operator's commands ask the gateway. Used by message-desk.ts and `swob wait`.

import type { Config } from '../config/schema.ts';
import { readAdminToken } from '../crypto/admin-token.ts';
import type { Context } from './context.ts';
import { readSecret } from './secret.ts';

/**
 * Reads the option and the environment now, and gives a function that reads the file when neither has it: a gateway
 * that is just starting makes it. Undefined when there is none.
 */
export async function operatorToken(
  { io, printer }: Context,
  config: Config,
  option: string | undefined,
): Promise<() => Promise<string | undefined>> {
  const given = await readSecret(option, { name: '--token', variable: 'SWOB_TOKEN', io, printer });
  return async () => given ?? (await readAdminToken(config.security.admin_token_filepath));
}
