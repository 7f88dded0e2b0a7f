// `swob store export`: exports all stored data to a file.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import type { Output } from '../../io.ts';
import { checkWritable, writeChunksAtomic } from '../../ready-file.ts';
import { runTransfer, transferHelp } from '../../transfer.ts';
import { version } from '../../version.ts';

interface Options {
  readonly force?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('[file]', 'file to write; - for stdout (default when stdout is not a terminal)')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      `
${transferHelp}

The file contains JSON lines and a digest. It includes the keys of all users, with which their SMS can be read; it is
created with mode 0600, and appears under its name when it is complete.

Stop all services before you export a store in a folder. Redis may be in use: the export is not a snapshot, so data that
changes meanwhile may be exported in its old or its new state.

Example:
  swob store export backup.jsonl
  swob store export - | gpg --encrypt -r ops@example.org > backup.gpg`,
    )
    .action((file: string | undefined, options: Options) => run(context, file, options));
}

async function run(context: Context, given: string | undefined, { force = false }: Options): Promise<void> {
  const { io, printer } = context;
  if (given === undefined && io.stdout.isTTY) {
    throw new SwobError('USAGE', 'stdout is a terminal, and an export contains keys: name a file');
  }
  const file = given === '-' ? undefined : given;
  if (file !== undefined) {
    await checkWritable(file, 'CONFIG');
    if (!force && existsSync(file)) {
      throw new SwobError('CONFIG', `${file} already exists; --force replaces it`);
    }
  }
  const { exportStore } = await import('../../../app/compose/store-export.ts');
  const exported = await runTransfer(context, (transfer) =>
    exportStore({ ...transfer, version }, (chunks) =>
      file === undefined
        ? writeToOutput(io.stdout, chunks, transfer.signal)
        : writeChunksAtomic(file, chunks, { mode: 0o600, replace: force }),
    ),
  );
  const { counts, sha256, from, summary } = exported;
  printer.note(`exported ${summary} from ${from}${file === undefined ? '' : ` to ${file}`}`);
  if (printer.json && file !== undefined) printer.value({ file, counts, sha256 });
}

async function writeToOutput(
  output: Output,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of chunks) {
    if (!output.write(chunk)) await once(output, 'drain', { signal });
  }
}
