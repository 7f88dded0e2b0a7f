// `swob jwt keygen`: creates a key pair; the private key signs tokens, the public key verifies them.

import { generateKeyPair } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf, SwobError } from '../../../errors.ts';
import { createFileOnce } from '../../../lib/durable-files.ts';
import { makeFolder } from '../../../lib/folders.ts';
import type { Context } from '../../context.ts';

interface Options {
  readonly dir?: string;
  readonly private?: string;
  readonly public?: string;
  readonly bits: number;
}

const defaultFolder = 'data/jwt';
const bounds = { min: 2048, max: 8192 };

export function define(command: Command, context: Context): void {
  command
    .option('--dir <folder>', `folder of private.pem and public.pem (default: ${defaultFolder})`)
    .option('--private <file>', 'file of the private key, in place of --dir')
    .option('--public <file>', 'file of the public key, in place of --dir')
    .option('--bits <number>', `size of the RSA key, ${bounds.min} to ${bounds.max}`, parseBits, bounds.min)
    .addHelpText(
      'after',
      '\nNever replaces existing files (exit 1). Set [validation] public_key to the file of the public key.\n\nExample:\n  swob jwt keygen --dir keys',
    )
    .action((options: Options) => run(context, options));
}

async function run({ printer }: Context, options: Options): Promise<void> {
  const files = keyFiles(options);
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: options.bits });
  await createKeyFile(files.private, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  try {
    await createKeyFile(files.public, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o440);
  } catch (error) {
    // Remove the new private key, so that a retry finds no half pair.
    await rm(files.private, { force: true });
    throw error;
  }
  if (printer.json) printer.value({ private: files.private, public: files.public });
  else {
    printer.line(files.private);
    printer.line(files.public);
  }
}

function keyFiles(options: Options): { readonly private: string; readonly public: string } {
  const { dir, private: privateFile, public: publicFile } = options;
  if (privateFile === undefined && publicFile === undefined) {
    const folder = dir ?? defaultFolder;
    return { private: join(folder, 'private.pem'), public: join(folder, 'public.pem') };
  }
  if (dir !== undefined) throw new SwobError('USAGE', '--dir excludes --private and --public');
  if (privateFile === undefined || publicFile === undefined) {
    throw new SwobError('USAGE', '--private and --public belong together: pass both or neither');
  }
  return { private: privateFile, public: publicFile };
}

/** Never replaces a key: services with the old public key would reject all new tokens. */
async function createKeyFile(file: string, text: string, mode: number): Promise<void> {
  await makeFolder(dirname(file)).catch((error: unknown) => {
    const message = `cannot write into ${dirname(file)}: ${messageOf(error)}; choose another folder`;
    throw new SwobError('CONFIG', message, { cause: error });
  });
  const created = await createFileOnce(file, text, { mode }).catch((error: unknown) => {
    const message = `cannot write ${file}: ${messageOf(error)}; free space, or choose another folder`;
    throw new SwobError('UNAVAILABLE', message, { cause: error });
  });
  if (!created)
    throw new SwobError('REFUSED', `${file} already exists; move it away, or choose another file`);
}

function parseBits(text: string): number {
  const number = Number(text);
  if (/^\d{4,5}$/.test(text) && number >= bounds.min && number <= bounds.max) return number;
  throw new InvalidArgumentError(`Expected a number from ${bounds.min} to ${bounds.max}.`);
}
