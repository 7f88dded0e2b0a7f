// `swob jwt keygen`: makes a key pair; the private key signs tokens, the public one checks them.

import { generateKeyPair } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf, SwobError } from '../../errors.ts';
import { makeFolder } from '../../folders.ts';
import type { Context } from '../context.ts';

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
    .option('--dir <folder>', `where private.pem and public.pem go (default: ${defaultFolder})`)
    .option('--private <file>', 'file of the private key, in place of --dir')
    .option('--public <file>', 'file of the public key, in place of --dir')
    .option('--bits <number>', `size of the RSA key, ${bounds.min} to ${bounds.max}`, bits, bounds.min)
    .addHelpText(
      'after',
      '\nFiles that are there are left alone (exit 1). The public key goes into [validation] public_key.\n\nExample:\n  swob jwt keygen --dir keys',
    )
    .action((options: Options) => run(context, options));
}

async function run({ printer }: Context, options: Options): Promise<void> {
  const files = filesOf(options);
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: options.bits });
  await create(files.private, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  try {
    await create(files.public, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o440);
  } catch (error) {
    // Ours, made just now: half a pair would only be in the way.
    await rm(files.private, { force: true });
    throw error;
  }
  if (printer.json) printer.value({ private: files.private, public: files.public });
  else {
    printer.line(files.private);
    printer.line(files.public);
  }
}

function filesOf(options: Options): { readonly private: string; readonly public: string } {
  const { dir, private: privateFile, public: publicFile } = options;
  if (privateFile === undefined && publicFile === undefined) {
    const folder = dir ?? defaultFolder;
    return { private: join(folder, 'private.pem'), public: join(folder, 'public.pem') };
  }
  if (dir !== undefined) throw new SwobError('USAGE', '--dir and --private, --public contradict each other');
  if (privateFile === undefined || publicFile === undefined) {
    throw new SwobError('USAGE', '--private and --public go together: give both or neither');
  }
  return { private: privateFile, public: publicFile };
}

/** Never replaces: whoever has the old public key would refuse every token of the new one. */
async function create(file: string, text: string, mode: number): Promise<void> {
  await makeFolder(dirname(file)).catch((error: unknown) => {
    throw new SwobError('CONFIG', `cannot write into ${dirname(file)}: ${messageOf(error)}`, {
      cause: error,
    });
  });
  try {
    const handle = await open(file, 'wx', mode);
    try {
      await handle.writeFile(text);
      // Whatever the umask has taken away.
      await handle.chmod(mode);
      await handle.sync();
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new SwobError('REFUSED', `${file} is there already; move it away or name another place`);
    }
    throw new SwobError('UNAVAILABLE', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function bits(text: string): number {
  const number = Number(text);
  if (/^\d{4,5}$/.test(text) && number >= bounds.min && number <= bounds.max) return number;
  throw new InvalidArgumentError(`Expected a number from ${bounds.min} to ${bounds.max}.`);
}
