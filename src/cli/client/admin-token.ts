// Reads the admin token for requests to the gateway's operator routes. Used by message-admin.ts and `swob wait`.

import type { Config } from '../../config/schema.ts';
import { readAdminToken } from '../../crypto/admin-token.ts';
import type { Context } from '../context.ts';
import { readSecret } from '../input/secret.ts';

/**
 * Reads the option and the environment now, and returns a function that reads the file on each call unless one of them
 * is set, because a starting gateway may create the file later. Resolves to undefined when there is no token.
 */
export async function adminTokenReader(
  { io, printer }: Context,
  config: Config,
  option: string | undefined,
): Promise<() => Promise<string | undefined>> {
  const given = await readSecret(option, {
    name: '--token',
    variable: 'SWOB_TOKEN',
    trimmed: true,
    io,
    printer,
  });
  return async () => given ?? (await readAdminToken(config.security.admin_token_filepath));
}
