// Reads the files that the configuration names. An unreadable file becomes a finding that says how to fix it. Used by
// the other checks of `swob doctor`.

import { constants } from 'node:fs';
import { lstat, open, readlink, stat } from 'node:fs/promises';
import { keyFileText } from '../../crypto/key-text.ts';
import { messageOf, systemErrorCode } from '../../errors.ts';
import { type Finding, fail } from '../../lib/finding.ts';
import { decodeUtf8, NotUtf8 } from '../../lib/utf8.ts';

/** More than any key or certificate needs. */
const maxBytes = 1024 * 1024;

export type FileContent =
  | { readonly kind: 'text'; readonly file: string; readonly text: string; readonly mode: number }
  | { readonly kind: 'missing'; readonly file: string }
  /** The finding says why, and how to fix it. */
  | { readonly kind: 'unusable'; readonly finding: Finding };

const forbiddenBits = { read: 0o077, write: 0o022 } as const;

/**
 * Never rejects.
 * @param encoding `any` for certificates, which may contain comments in any encoding; `key` for keys, which may be DER
 */
export async function readConfigured(
  check: string,
  file: string,
  encoding: Encoding = 'utf8',
): Promise<FileContent> {
  const unusable = (detail: string, advice: string): FileContent => ({
    kind: 'unusable',
    finding: fail(check, detail, advice),
  });
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) {
      return unusable(
        `${file} is a folder, not a file`,
        `Docker creates a folder when the mounted file is missing on the host: rmdir ${file}, and put the file there`,
      );
    }
    if (!facts.isFile()) return unusable(`${file} is not a regular file`, 'put a regular file there');
    if (facts.size > maxBytes) return unusable(`${file} is larger than 1 MiB`, 'put the right file there');
    return { kind: 'text', file, text: await readText(file, encoding), mode: facts.mode & 0o777 };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') {
      const target = await danglingTarget(file);
      if (target === undefined) return { kind: 'missing', file };
      return unusable(
        `${file} is a link to ${target}, which does not exist`,
        'correct the link, or put a file there',
      );
    }
    if (systemErrorCode(error) === 'ENOTDIR') {
      return unusable(
        `${file} cannot exist: a part of its path is a file, not a folder`,
        'correct the path in the configuration',
      );
    }
    if (error instanceof NotUtf8) return unusable(`${file}: ${error.message}`, 'put the right file there');
    return unusable(
      `cannot read ${file}: ${messageOf(error)}`,
      'run swob doctor as the user of the service, and let that user read the file',
    );
  }
}

type Encoding = keyof typeof decoders;

const decoders = {
  utf8: decodeUtf8,
  any: (bytes: Buffer) => bytes.toString(),
  key: keyFileText,
};

/** Non-blocking, in case the file has been replaced by a device or pipe since it was checked. */
async function readText(file: string, encoding: Encoding): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(maxBytes);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead > 0) continue;
      return decoders[encoding](buffer.subarray(0, length));
    }
  } finally {
    await handle.close();
  }
}

/** The target of a dangling link; undefined when the file is not a link. */
export async function danglingTarget(file: string): Promise<string | undefined> {
  const isLink = await lstat(file).then(
    (facts) => facts.isSymbolicLink(),
    () => false,
  );
  return isLink ? readlink(file).catch(() => undefined) : undefined;
}

/** A finding when other users have more access to the file than they should. */
export function checkMode(
  check: string,
  { file, mode }: { readonly file: string; readonly mode: number },
  accessKind: keyof typeof forbiddenBits,
  recommended: string,
): Finding | undefined {
  if ((mode & forbiddenBits[accessKind]) === 0) return undefined;
  const access = accessKind === 'read' ? 'read or change' : 'change';
  return fail(
    check,
    `other users can ${access} ${file} (mode ${octal(mode)})`,
    `chmod ${recommended} ${file}`,
  );
}

export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
