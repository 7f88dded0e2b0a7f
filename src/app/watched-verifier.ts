// The key that tokens are checked with, kept up with its file: a new good key is taken without a restart, a
// bad one is logged and the last good one stays. (The replaced service needed a restart.)

import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { readVerificationKey } from '../crypto/verification-key.ts';
import type { Clock, Log, TokenVerifier } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { readSmallFile, watchFiles } from './watched-files.ts';

export interface WatchedVerifier extends TokenVerifier {
  stop(): void;
}

const maxKeyBytes = 64 * 1024;

/** Loads the key; throws CONFIG when it is missing or unusable. `build` makes a verifier for a key. */
export async function watchVerificationKey(
  file: string,
  build: (key: KeyObject) => TokenVerifier,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<WatchedVerifier> {
  let text: string | undefined;
  let current: TokenVerifier;

  const load = async (): Promise<boolean> => {
    const fresh = await readKeyFile(file);
    if (fresh === text) return false;
    current = build(readVerificationKey(fresh, file));
    text = fresh;
    await warnOfLooseMode(file, log);
    return true;
  };
  const what = 'verification key';
  const stop = await watchFiles({ files: [file], what, fields: { file }, load, clock, log });
  return { verify: (token) => current.verify(token), stop };
}

async function readKeyFile(file: string): Promise<string> {
  const remedy = 'put the key of the service that signs tokens there, or make a pair with `swob jwt keygen`';
  try {
    return await readSmallFile(file, maxKeyBytes);
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `[validation] public_key: cannot read ${file}: ${messageOf(error)}; ${remedy}`,
      {
        cause: error,
      },
    );
  }
}

/** The documented mode is 0440, group eltex: whoever may write the file may sign tokens. */
async function warnOfLooseMode(file: string, log: Log): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o022) !== 0) {
    log.warn(
      { file, mode: (mode & 0o777).toString(8) },
      'the verification key can be written by others; chmod 0440 it',
    );
  }
}
