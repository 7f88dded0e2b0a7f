// Reads the shared key of a paired phone from the file that `swob sync pair --out` writes. Used by the `sms` commands.

import { Option } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { requireSecret } from './secret.ts';

export const sharedKeyOption = (): Option =>
  new Option(
    '--key <file>',
    'file of the shared key, written by `swob sync pair --out`; - for stdin',
  ).makeOptionMandatory();

/** Throws BAD_INPUT when the file does not contain 32 lower-case hex characters, CONFIG when it cannot be read. */
export async function readSharedKey({ io, printer }: Context, file: string): Promise<string> {
  const key = await requireSecret(file === '-' ? file : `@${file}`, {
    name: '--key',
    trimmed: true,
    io,
    printer,
  });
  if (/^[0-9a-f]{32}$/.test(key)) return key;
  throw new SwobError(
    'BAD_INPUT',
    '--key: expected a file that contains only a shared key of 32 hex characters',
  );
}

/** A literal text, @file or - (stdin); removes one trailing newline from a file and stdin. */
export async function readText({ io, printer }: Context, argument: string, name: string): Promise<string> {
  if (argument !== '-' && !argument.startsWith('@')) return argument;
  return requireSecret(argument, { name, shown: true, io, printer });
}
