// Reads passwords and tokens from a file, stdin, the environment or a prompt, where other users cannot see them.

import { open } from 'node:fs/promises';
import { type SecretVariable, secretVariable } from '../../config/environment.ts';
import { describeReadError, messageOf, SwobError } from '../../errors.ts';
import { collectStream } from '../../lib/collect-bytes.ts';
import { decodeUtf8, hasReplacement } from '../../lib/utf8.ts';
import type { Io } from '../io.ts';
import type { Printer } from '../terminal/printer.ts';
import { canPrompt, promptHidden } from '../terminal/prompt.ts';

const maxBytes = 64 * 1024;

export interface SecretOptions {
  /** The name of the option in messages, `--password`, or of the argument, `token`. */
  readonly name: string;
  /** The fallback when the option is absent. */
  readonly variable?: SecretVariable;
  /** Trims white space and newlines around a token or key. */
  readonly trimmed?: boolean;
  /** The prompt on a terminal: `password of alice`. */
  readonly question?: string;
  /** Not a secret: reads several lines from a terminal, with echo. */
  readonly shown?: boolean;
  /** The text of the bytes of a file or stdin, for what may be binary; else they must be UTF-8. */
  readonly decode?: (bytes: Uint8Array) => string;
  readonly io: Io;
  readonly printer: Printer;
}

/**
 * Resolves `@file`, `-` (stdin; a prompt on a terminal) or a literal, which prints a note that other users can see it;
 * without an argument it reads the environment. Removes one trailing newline from a file and stdin.
 * Undefined when there is no secret. Throws BAD_INPUT when it is empty or over 64 KiB, CONFIG for an unreadable file.
 */
export async function readSecret(
  argument: string | undefined,
  options: SecretOptions,
): Promise<string | undefined> {
  const { name, variable, io, printer } = options;
  if (argument === undefined) {
    const value = variable && secretVariable(variable, io.env);
    return value === undefined ? undefined : validateSecret(value, options, `environment ${variable}`);
  }
  if (argument === '-') {
    return canPrompt(io) && !options.shown
      ? promptSecret(options)
      : validateSecret(await readAll(io.stdin, options, 'stdin'), options, 'stdin');
  }
  if (argument.startsWith('@')) {
    const file = argument.slice(1);
    return validateSecret(await readFile(file, options), options, file);
  }
  const safe = variable === undefined ? '@file or -' : `@file, - or ${variable}`;
  printer.note(`note: other users of this machine can see ${labelOf(name)} on the command line; use ${safe}`);
  return validateSecret(argument, options, 'the argument');
}

/**
 * The same for a required secret: prompts for a missing one on a terminal, else throws USAGE.
 */
export async function requireSecret(argument: string | undefined, options: SecretOptions): Promise<string> {
  const secret = await readSecret(argument, options);
  if (secret !== undefined) return secret;
  if (canPrompt(options.io)) return promptSecret(options);
  const orSet = options.variable === undefined ? '' : `, or set ${options.variable}`;
  const option = isOption(options.name) ? `${options.name} ` : '';
  throw new SwobError(
    'USAGE',
    `${labelOf(options.name)} is missing: pass ${option}@file or - (stdin)${orSet}`,
  );
}

const isOption = (name: string): boolean => name.startsWith('-');

/** An argument has no name that could be typed. */
const labelOf = (name: string): string => (isOption(name) ? name : `the ${name}`);

async function promptSecret(options: SecretOptions): Promise<string> {
  const { question = options.name.replace(/^--/, ''), io } = options;
  const given = await promptHidden(`${question}: `, io);
  if (given === '') throw new SwobError('BAD_INPUT', `${options.name}: nothing was entered`);
  return validateSecret(given, options, 'what was entered');
}

function validateSecret(
  given: string,
  { name, trimmed = false, decode }: SecretOptions,
  from: string,
): string {
  const secret = trimmed ? given.trim() : given;
  if (secret === '') throw new SwobError('BAD_INPUT', `${name}: ${from} is empty`);
  // Node has already replaced invalid bytes in the environment and in arguments.
  if (!decode && hasReplacement(secret))
    throw new SwobError('BAD_INPUT', `${name}: ${from} is not valid UTF-8`);
  return secret;
}

async function readFile(file: string, options: SecretOptions): Promise<string> {
  const { name } = options;
  const handle = await open(file).catch((error: unknown) => {
    throw new SwobError('CONFIG', `${name}: cannot read ${file}: ${describeReadError(error)}`, {
      cause: error,
    });
  });
  try {
    return await readAll(handle.createReadStream({ autoClose: false }), options, file);
  } finally {
    await handle.close();
  }
}

async function readAll(
  source: AsyncIterable<unknown>,
  { name, decode = decodeUtf8 }: SecretOptions,
  from: string,
): Promise<string> {
  const bytes = await collectStream(source, maxBytes).catch((error: unknown) => {
    throw new SwobError('CONFIG', `${name}: cannot read ${from}: ${describeReadError(error)}`, {
      cause: error,
    });
  });
  if (!bytes) throw new SwobError('BAD_INPUT', `${name}: ${from} is larger than 64 KiB`);
  try {
    return decode(bytes).replace(/\r?\n$/, '');
  } catch (error) {
    throw new SwobError('BAD_INPUT', `${name}: ${from}: ${messageOf(error)}`, { cause: error });
  }
}
