// The token with which an operator's commands ask the gateway. In a file that the operator can read and nobody
// else: whoever is on the machine, or behind the same proxy, is no operator by that. Used by app/compose and cli.

import { randomBytes } from 'node:crypto';
import { SwobError } from '../errors.ts';
import { makeOnce, readIfThere } from './file-once.ts';

const what = 'admin token';

/** Made on the first start. Throws CONFIG when the file cannot be read or made, or holds no token. */
export async function loadAdminToken(file: string): Promise<string> {
  const text = (await readIfThere(what, file)) ?? (await makeOnce(what, file, `${newToken()}\n`));
  return checked(text, file);
}

/** Undefined when there is no file. Throws CONFIG when it cannot be read or holds no token. */
export async function readAdminToken(file: string): Promise<string | undefined> {
  const text = await readIfThere(what, file);
  return text === undefined ? undefined : checked(text, file);
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** A short one could be guessed. */
function checked(text: string, file: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{16,256}$/.test(token)) return token;
  throw new SwobError(
    'CONFIG',
    `the ${what} ${file} is refused: expected 16 to 256 ASCII characters on one line; delete it to get a new one`,
  );
}
