// The shared key that a phone got when it paired, from the file that `swob sync pair --out` writes. Used by the
// commands of sms.

import { Option } from 'commander';
import { SwobError } from '../errors.ts';
import type { Context } from './context.ts';
import { requireSecret } from './secret.ts';

export const sharedKeyOption = (): Option =>
  new Option(
    '--key <file>',
    'file of the shared key, as `swob sync pair --out` writes it; - for stdin',
  ).makeOptionMandatory();

/** 32 lower-case hex characters. Throws BAD_INPUT when the file holds no such key, CONFIG when it cannot be read. */
export async function readSharedKey({ io, printer }: Context, file: string): Promise<string> {
  const key = await requireSecret(file === '-' ? file : `@${file}`, { name: '--key', io, printer });
  if (/^[0-9a-f]{32}$/.test(key)) return key;
  throw new SwobError('BAD_INPUT', '--key: expected a shared key of 32 hex characters, alone in the file');
}

/** A text given as it is, as @file or as - (stdin); one line end is taken off a file's and stdin's end. */
export async function readText({ io, printer }: Context, argument: string, name: string): Promise<string> {
  if (argument !== '-' && !argument.startsWith('@')) return argument;
  return requireSecret(argument, { name, io, printer });
}
