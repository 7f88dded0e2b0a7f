// Keeps the shared secrets of RADIUS NAS current: reads their files again when they change. Used by app/compose.

import { stat } from 'node:fs/promises';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { describeReadError, SwobError } from '../errors.ts';
import { readSmallFile, watchFiles } from './file-watcher.ts';

const maxSecretBytes = 1_024;

export interface NasSecrets {
  /** The current secret of that file. */
  of(file: string): Buffer;
  stop(): void;
}

/** Throws CONFIG, naming the section and the file, when one of the files has no usable secret. */
export async function watchNasSecrets(
  nas: readonly { readonly name: string; readonly secret_file: string }[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<NasSecrets> {
  const secrets = new Map<string, Buffer>();
  const stops: (() => void)[] = [];
  for (const { name, secret_file: file } of nas) {
    // Several NAS may share one file.
    if (secrets.has(file)) continue;
    const load = async (): Promise<boolean> => {
      const secret = await readNasSecret(`[nas ${name}] secret_file`, file);
      if (secrets.get(file)?.equals(secret)) return false;
      secrets.set(file, secret);
      const problem = await secretModeProblem(file);
      if (problem !== undefined) log.warn({ file }, problem);
      return true;
    };
    stops.push(await watchFiles({ label: 'NAS secret', fields: { nas: name, file }, load, clock, log }));
  }
  return {
    of: (file) => secrets.get(file) ?? Buffer.alloc(0),
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/** The secret in a file, without the line end at its end. Throws CONFIG; `what` names the key or option. */
export async function readNasSecret(what: string, file: string): Promise<Buffer> {
  let text: string;
  try {
    text = await readSmallFile(file, maxSecretBytes);
  } catch (error) {
    throw new SwobError('CONFIG', `${what}: cannot read ${file}: ${describeReadError(error)}`, {
      cause: error,
    });
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new SwobError('CONFIG', `${what}: ${file} is empty; put the shared secret there`);
  // The decoder writes U+FFFD for bytes that are not UTF-8, so the secret would differ from that of the NAS.
  if (/[\ufffd\r\n]/.test(secret))
    throw new SwobError(
      'CONFIG',
      `${what}: ${file} is not one line of UTF-8; put only the shared secret there`,
    );
  return Buffer.from(secret);
}

/** Why the mode of the file is too wide; undefined when only its owner and group can read it. */
export async function secretModeProblem(file: string): Promise<string | undefined> {
  const { mode } = await stat(file);
  return (mode & 0o007) === 0 && (mode & 0o020) === 0
    ? undefined
    : `other users can read or write the secret in ${file}; set its mode with chmod 0400`;
}
