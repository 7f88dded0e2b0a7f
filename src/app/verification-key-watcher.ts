// The key that verifies tokens. Reloads it when its file changes; an unusable key is logged, and the last good one
// stays in use. Used by the disconnect service.

import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { keyFileText } from '../crypto/key-text.ts';
import { readVerificationKey } from '../crypto/token-keys.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import type { TokenVerifier } from '../domain/wifi/ports.ts';
import { describeReadError, SwobError } from '../errors.ts';
import { readSmallBytes, watchFiles } from './file-watcher.ts';

export interface ReloadingVerifier extends TokenVerifier {
  stop(): void;
}

const maxKeyBytes = 64 * 1024;

/** Throws CONFIG when the key is missing or unusable. `build` creates the verifier for a key. */
export async function watchVerificationKey(
  file: string,
  build: (key: KeyObject) => TokenVerifier,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<ReloadingVerifier> {
  let text: string | undefined;
  let current: TokenVerifier;

  const load = async (): Promise<boolean> => {
    const newText = await readKeyFile(file);
    if (newText === text) return false;
    current = build(readVerificationKey(newText, file));
    text = newText;
    await warnOfWritableFile(file, log);
    return true;
  };
  const what = 'verification key';
  const stop = await watchFiles({ label: what, fields: { file }, load, clock, log });
  return { verify: (token) => current.verify(token), stop };
}

async function readKeyFile(file: string): Promise<string> {
  const advice = 'put the public key of the token issuer there, or create a pair with `swob jwt keygen`';
  try {
    return keyFileText(await readSmallBytes(file, maxKeyBytes));
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `[validation] public_key: cannot read ${file}: ${describeReadError(error)}; ${advice}`,
      {
        cause: error,
      },
    );
  }
}

/** The documented mode is 0440: a user who can replace the key can sign tokens. */
async function warnOfWritableFile(file: string, log: Log): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o022) !== 0) {
    log.warn(
      { file, mode: (mode & 0o777).toString(8) },
      'other users can write the verification key; set its mode with chmod 0440',
    );
  }
}
