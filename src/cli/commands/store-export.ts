// `swob store export`: all that the store keeps, into one file.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import type { Output } from '../io.ts';
import { carriedHelp, carry } from '../porter.ts';
import { checkWritable, writeWholeOf } from '../ready-file.ts';
import { version } from '../version.ts';

interface Options {
  readonly force?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('[file]', 'where to; - for stdout, which is the default when that is no terminal')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `
${carriedHelp}

The file is JSON lines with a digest at its end, and holds keys: whoever reads it reads every user's SMS. It is made
with mode 0600, and appears under its name once it is whole.

A store in a folder must have no daemon at work. Redis may be in use; what changes meanwhile may be in the file as it was
before or after, for the file is no picture of one moment.

Example:
  swob store export backup.jsonl
  swob store export - | gpg --encrypt -r ops@example.org > backup.gpg`,
    )
    .action((file: string | undefined, options: Options) => run(context, file, options));
}

async function run(context: Context, given: string | undefined, { force = false }: Options): Promise<void> {
  const { io, printer } = context;
  if (given === undefined && io.stdout.isTTY) {
    throw new SwobError('USAGE', 'stdout is a terminal, and what is exported holds keys: name a file for it');
  }
  const file = given === '-' ? undefined : given;
  if (file !== undefined) {
    await checkWritable(file, 'CONFIG');
    if (!force && existsSync(file)) {
      throw new SwobError('CONFIG', `${file} is there already; --force replaces it`);
    }
  }
  const { exportStore } = await import('../../app/compose/store-export.ts');
  const exported = await carry(context, (porter) =>
    exportStore({ ...porter, version }, (chunks) =>
      file === undefined
        ? writeTo(io.stdout, chunks, porter.signal)
        : writeWholeOf(file, chunks, { mode: 0o600, replace: force }),
    ),
  );
  const { counts, sha256, from, summary } = exported;
  printer.note(`exported ${summary} from ${from}${file === undefined ? '' : ` to ${file}`}`);
  if (printer.json && file !== undefined) printer.value({ file, counts, sha256 });
}

async function writeTo(
  output: Output,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of chunks) {
    if (!output.write(chunk)) await once(output, 'drain', { signal });
  }
}
