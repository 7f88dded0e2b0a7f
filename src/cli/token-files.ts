// The keys that the jwt commands are given with --key. Used by them and by `swob disconnect`.

import type { KeyObject } from 'node:crypto';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/kinds.ts';
import { supportedAlgorithms, type TokenAlgorithm } from '../crypto/jwt.ts';
import { readTokenSecret } from '../crypto/verification-key.ts';
import type { Context } from './context.ts';
import { requireSecret } from './secret.ts';

/** `--alg`, which says what kind of key the file holds: a key never chooses the algorithm. */
export function algorithmOption(description: string): Option {
  return new Option('--alg <algorithm>', description).choices(supportedAlgorithms).default('RS256');
}

/** The secret in the file for HS256; for RS* what `readRsa` makes of its PEM. Throws CONFIG, naming the file. */
export async function readTokenKey(
  { io, printer }: Context,
  file: string,
  algorithm: TokenAlgorithm,
  readRsa: (text: string, file: string) => KeyObject,
): Promise<KeyObject> {
  const text = await requireSecret(`@${file}`, { name: '--key', io, printer });
  return algorithm === 'HS256' ? readTokenSecret(text, file) : readRsa(text, file);
}

/** Milliseconds from an option such as `20h`. */
export function durationArgument(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError('Expected a duration such as 30s, 20h or 1.5d.');
  }
}
