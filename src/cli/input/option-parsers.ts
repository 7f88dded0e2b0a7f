// Parsers of option values that several commands share.

import { InvalidArgumentError } from 'commander';
import { SwobError } from '../../errors.ts';
import { printable } from '../../lib/printable.ts';
import { type FailRatio, failRatio } from '../../stubs/fail-ratio.ts';
import type { Context } from '../context.ts';
import { canPrompt } from '../terminal/prompt.ts';
import { requireSecret } from './secret.ts';

export function parsePort(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}

export function parseMilliseconds(text: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= 3_600_000) return Number(text);
  throw new InvalidArgumentError('Expected milliseconds from 0 to 3600000.');
}

/** A parser of whole numbers from 1 to `max`. */
export function countUpTo(max: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
    throw new InvalidArgumentError(`Expected a number from 1 to ${max}.`);
  };
}

export function parseFailRatio(text: string): FailRatio {
  const read = failRatio(text);
  if (read) return read;
  throw new InvalidArgumentError('Expected n/m, such as 1/3.');
}

/**
 * Secrets by id, from a repeatable option with the values `id:secret`, `id:@file`, `id:-` (stdin), or `id` alone to prompt
 * for the secret. Throws USAGE when an id is missing or given twice, and what `requireSecret` throws.
 */
export async function readSecretsById(
  { io, printer }: Context,
  { option, what }: { readonly option: string; readonly what: string },
  given: readonly string[],
): Promise<Map<string, string>> {
  const secrets = new Map<string, string>();
  for (const text of given) {
    const [id = '', ...rest] = text.split(':');
    if (id === '')
      throw new SwobError('USAGE', `${option}: expected an id and a secret: id:secret or id:@file`);
    if (secrets.has(id)) throw new SwobError('USAGE', `${option} ${id} is given twice`);
    const secret = rest.length === 0 ? undefined : rest.join(':');
    if (secret === undefined && !canPrompt(io)) {
      const message = `${option} ${id} has no ${what}: pass ${option} ${id}:@file or ${id}:- (stdin)`;
      throw new SwobError('USAGE', message);
    }
    const question = `${what} of ${printable(id)}`;
    secrets.set(id, await requireSecret(secret, { name: `${option} ${id}`, question, io, printer }));
  }
  return secrets;
}
