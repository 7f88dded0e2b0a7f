// Takes passwords and tokens from where others cannot see them. Used by the commands that need one.

import { open } from 'node:fs/promises';
import { type SecretVariable, secretVariable } from '../config/environment.ts';
import { messageOf, SwobError } from '../errors.ts';
import type { Io } from './io.ts';
import type { Printer } from './printer.ts';

const maxBytes = 64 * 1024;

export interface SecretOptions {
  /** The option's name for messages: `--password`. */
  readonly name: string;
  /** Where to look when the option is absent. */
  readonly variable?: SecretVariable;
  readonly io: Io;
  readonly printer: Printer;
}

/**
 * The secret that `argument` stands for: `@file`, `-` (stdin), or the text itself, with a note that others
 * can see it; without an argument, the environment. One line end is taken off a file's and stdin's end.
 * Undefined when there is none; throws BAD_INPUT when it is empty or over 64 KiB, CONFIG when the file cannot be read.
 */
export async function readSecret(
  argument: string | undefined,
  options: SecretOptions,
): Promise<string | undefined> {
  const { name, variable, io, printer } = options;
  if (argument === undefined) return variable && secretVariable(variable, io.env);
  if (argument === '-') return checked(await readAll(io.stdin, name, 'stdin'), name, 'stdin');
  if (argument.startsWith('@')) {
    const file = argument.slice(1);
    return checked(await readFile(file, name), name, file);
  }
  printer.note(
    `note: ${name} on the command line is visible to every user of this machine; use @file, - or ${variable ?? 'a file'}`,
  );
  return checked(argument, name, 'the argument');
}

/** `readSecret` for a secret without which the command cannot work: throws USAGE when there is none. */
export async function requireSecret(argument: string | undefined, options: SecretOptions): Promise<string> {
  const secret = await readSecret(argument, options);
  if (secret !== undefined) return secret;
  const orSet = options.variable === undefined ? '' : `, or set ${options.variable}`;
  throw new SwobError('USAGE', `${options.name} is missing: give ${options.name} @file or - (stdin)${orSet}`);
}

function checked(secret: string, name: string, from: string): string {
  if (secret === '') throw new SwobError('BAD_INPUT', `${name}: ${from} is empty`);
  return secret;
}

async function readFile(file: string, name: string): Promise<string> {
  const handle = await open(file).catch((error: unknown) => {
    throw new SwobError('CONFIG', `${name}: cannot read ${file}: ${messageOf(error)}`, { cause: error });
  });
  try {
    return await readAll(handle.createReadStream({ autoClose: false }), name, file);
  } finally {
    await handle.close();
  }
}

async function readAll(source: AsyncIterable<unknown>, name: string, from: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      bytes += buffer.length;
      if (bytes > maxBytes) throw new SwobError('BAD_INPUT', `${name}: ${from} holds more than 64 KiB`);
      chunks.push(buffer);
    }
  } catch (error) {
    if (error instanceof SwobError) throw error;
    throw new SwobError('CONFIG', `${name}: cannot read ${from}: ${messageOf(error)}`, { cause: error });
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
