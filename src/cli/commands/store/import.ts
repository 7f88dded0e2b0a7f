// `swob store import`: imports a file of `swob store export` into the configured store.

import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { openImportSource } from '../../input/import-source.ts';
import { runTransfer, transferHelp } from '../../transfer.ts';

interface Options {
  readonly merge?: boolean;
  readonly dryRun?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<file>', 'file of `swob store export`; - for stdin')
    .option(
      '--merge',
      'import into a store that is not empty; records of the file replace those with the same id',
    )
    .option('--dry-run', 'validate the file, and neither open nor change the store')
    .addHelpText(
      'after',
      `
${transferHelp}

Validates the complete file (format, order, counts, digest) before it writes anything. Then writes all records, reads them
back and compares them. Repeat an interrupted import with --merge. Input from stdin is buffered in an unlinked temporary
file.

Stop all services that use the store; with --merge, nodes on Redis may keep running.

Example:
  swob store import backup.jsonl
  swob store import backup.jsonl --set store.url=redis://127.0.0.1:6379
  swob store import - < backup.jsonl`,
    )
    .action((file: string, options: Options) => run(context, file, options));
}

async function run(
  context: Context,
  file: string,
  { merge = false, dryRun = false }: Options,
): Promise<void> {
  const { io, printer } = context;
  const { importStore, validateImport } = await import('../../../app/compose/store-import.ts');
  if (dryRun) {
    const { counts, summary } = await runTransfer(context, async (transfer) => {
      const source = await openImportSource(file, io.stdin, transfer.signal);
      try {
        return await validateImport(transfer, source);
      } finally {
        await source.close();
      }
    });
    printer.note(`dry run: ${file} is valid; ${summary} would be imported`);
    if (printer.json) printer.value({ dryRun, counts });
    return;
  }
  const imported = await runTransfer(context, async (transfer) => {
    const source = await openImportSource(file, io.stdin, transfer.signal);
    try {
      return await importStore(transfer, source, merge);
    } finally {
      await source.close();
    }
  });
  const { counts, expired, changed, into, summary } = imported;
  printer.note(`imported ${summary} into ${into}, read back and compared`);
  if (expired > 0) printer.note(`skipped ${expired} expired records`);
  if (changed > 0) {
    printer.warn(
      `${changed} records differ from the file: running nodes have changed or delivered them, or newer records evicted them`,
    );
  }
  if (printer.json) printer.value({ counts, expired, changed });
}
