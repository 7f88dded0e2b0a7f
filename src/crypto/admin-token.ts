// The token that authenticates an operator's commands to the gateway. It is in a file that only the operator can read,
// because a local address proves nothing: other users and a proxy have it too. Used by app/compose and cli.

import { randomBytes } from 'node:crypto';
import { SwobError } from '../errors.ts';
import { createOrRead, readIfExists } from './secret-file.ts';

const what = 'admin token';

/** Creates the token on the first start. Throws CONFIG when the file cannot be read or created, or holds no token. */
export async function loadAdminToken(file: string): Promise<string> {
  const text = (await readIfExists(what, file)) ?? (await createOrRead(what, file, `${newToken()}\n`));
  return checked(text, file);
}

/** Undefined when there is no file. Throws CONFIG when it cannot be read or holds no token. */
export async function readAdminToken(file: string): Promise<string | undefined> {
  const text = await readIfExists(what, file);
  return text === undefined ? undefined : checked(text, file);
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Throws CONFIG for a token that is too short to resist guessing. */
function checked(text: string, file: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{16,256}$/.test(token)) return token;
  throw new SwobError(
    'CONFIG',
    `the ${what} ${file} is refused: expected 16 to 256 ASCII characters on one line; delete it to get a new one`,
  );
}
