// Reads the options that several stand-ins have. Used by the commands of stub.

import { InvalidArgumentError } from 'commander';
import { SwobError } from '../errors.ts';
import type { Context } from './context.ts';
import { requireSecret } from './secret.ts';

export function port(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}

export function milliseconds(text: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= 3_600_000) return Number(text);
  throw new InvalidArgumentError('Expected milliseconds from 0 to 3600000.');
}

/** Keeps each value of a repeatable option. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/**
 * Secrets by id, of a repeatable option `<id:secret>` whose values are `id:secret`, `id:@file` or `id:-`.
 * Throws USAGE when one is no pair or given twice, and what `requireSecret` throws.
 */
export async function readSecretsById(
  { io, printer }: Context,
  option: string,
  given: readonly string[],
): Promise<Map<string, string>> {
  const secrets = new Map<string, string>();
  for (const text of given) {
    const colon = text.indexOf(':');
    if (colon < 1)
      throw new SwobError('USAGE', `${option}: expected an id and a secret, id:secret or id:@file`);
    const id = text.slice(0, colon);
    if (secrets.has(id)) throw new SwobError('USAGE', `${option} ${id} is given twice`);
    secrets.set(id, await requireSecret(text.slice(colon + 1), { name: `${option} ${id}`, io, printer }));
  }
  return secrets;
}
