// The key that tokens are checked with, kept up with its file: a new good key is taken without a restart, a
// bad one is logged and the last good one stays. (The replaced service needed a restart.)

import type { KeyObject } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { readVerificationKey } from '../crypto/verification-key.ts';
import type { Clock, Log, TokenVerifier } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';

export interface WatchedVerifier extends TokenVerifier {
  stop(): void;
}

/** A file that is being written changes more than once: it is read when it has been quiet for this long. */
const quietMs = 200;
/** Network file systems tell of no change: the file is looked at this often as well. */
const pollMs = 30_000;
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
  const reload = async (): Promise<void> => {
    try {
      if (await load()) log.info({ file }, 'a new verification key is in use');
    } catch (error) {
      log.warn(
        { file, error: messageOf(error) },
        'the verification key cannot be used; the last good one stays',
      );
    }
  };

  // One after the other, so that an old read never wins over a newer one.
  let reloading: Promise<void> = Promise.resolve();
  const reloadNow = (): void => {
    reloading = reloading.then(reload);
  };
  let cancelReload: () => void = () => {};
  const reloadSoon = (): void => {
    cancelReload();
    cancelReload = clock.after(quietMs, reloadNow);
  };
  // Watched before it is read, so that no change falls between the two.
  const watcher = watchFolder(file, reloadSoon, log);
  const stopPolling = clock.every(pollMs, reloadNow);
  const stop = (): void => {
    cancelReload();
    stopPolling();
    watcher?.close();
  };
  try {
    await load();
  } catch (error) {
    stop();
    throw error;
  }
  return { verify: (token) => current.verify(token), stop };
}

/** The folder, not the file: keys are replaced by renaming, which a watch on the file would lose. */
function watchFolder(file: string, changed: () => void, log: Log): FSWatcher | undefined {
  const failed = (error: unknown): void =>
    log.warn(
      { file, error: messageOf(error) },
      'the folder of the verification key cannot be watched; looking at it instead',
    );
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(file)) changed();
    });
    watcher.on('error', failed);
    return watcher;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

async function readKeyFile(file: string): Promise<string> {
  const remedy = 'put the key of the service that signs tokens there, or make a pair with `swob jwt keygen`';
  try {
    const { size } = await stat(file);
    if (size > maxKeyBytes) throw new Error(`it is larger than ${maxKeyBytes} bytes`);
    return await readFile(file, 'utf8');
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
