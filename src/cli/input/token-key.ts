// The --alg and --key options of tokens. Used by the `jwt` commands and `swob disconnect`.

import type { KeyObject } from 'node:crypto';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../config/value-types.ts';
import { supportedAlgorithms, type TokenAlgorithm } from '../../crypto/jwt.ts';
import { keyFileText } from '../../crypto/key-text.ts';
import { readTokenSecret } from '../../crypto/token-keys.ts';
import type { Context } from '../context.ts';
import { requireSecret } from './secret.ts';

/** `--alg`, which determines the type of the key; the algorithm is never derived from the key. */
export function algorithmOption(description: string): Option {
  return new Option('--alg <algorithm>', description).choices(supportedAlgorithms).default('RS256');
}

/** Reads the secret of HS256, or the PEM of RS* with `readRsa`. Throws CONFIG that names the file. */
export async function readTokenKey(
  { io, printer }: Context,
  file: string,
  algorithm: TokenAlgorithm,
  readRsa: (text: string, file: string) => KeyObject,
): Promise<KeyObject> {
  const text = await requireSecret(`@${file}`, { name: '--key', decode: keyFileText, io, printer });
  return algorithm === 'HS256' ? readTokenSecret(text, file) : readRsa(text, file);
}

/** Milliseconds from an option such as `20h`. */
export function parseDurationOption(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError('Expected a duration such as 30s, 20h or 1.5d.');
  }
}
