// `swob store import`: imports a file of `swob store export` into the configured store.

import type { Command } from 'commander';
import type { TransferContext } from '../../../app/compose/store-archive.ts';
import type { ImportSource } from '../../../app/compose/store-import.ts';
import type { ImportPreview } from '../../../app/compose/store-import-preview.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { openImportSource } from '../../input/import-source.ts';
import type { Printer } from '../../terminal/printer.ts';
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
    .option('--dry-run', 'compare the file with the store, report what would be written, and change nothing')
    .addHelpText(
      'after',
      `
${transferHelp}

Validates the complete file (format, order, counts, digest) before it writes anything. Then writes all records, reads them
back and compares them. Repeat an interrupted import with --merge. Input from stdin is buffered in an unlinked temporary
file.

Stop all services that use the store; with --merge, nodes on Redis may keep running.

--dry-run prints for each kind of record how many are new, equal to the stored ones, would replace them, would be refused
(the store is full, or never replaces its own) or have expired. It fails where the import would: on a damaged file, on a
store in use, and without --merge on one that is not empty.

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
  const withSource = <T>(work: (transfer: TransferContext, source: ImportSource) => Promise<T>) =>
    runTransfer(context, async (transfer) => {
      const source = await openImportSource(file, io.stdin, transfer.signal);
      try {
        return await work(transfer, source);
      } finally {
        await source.close();
      }
    });
  if (dryRun) {
    const { previewImport } = await import('../../../app/compose/store-import-preview.ts');
    const preview = await withSource((transfer, source) => previewImport(transfer, source, merge));
    return reportPreview(printer, file, preview);
  }
  const { importStore } = await import('../../../app/compose/store-import.ts');
  const imported = await withSource((transfer, source) => importStore(transfer, source, merge));
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

const outcomes = ['new', 'equal', 'replaced', 'refused', 'expired'] as const;

/** Throws UNAVAILABLE, as the import would, when records would be refused. */
function reportPreview(printer: Printer, file: string, { counts, changes, into }: ImportPreview): void {
  printer.note(`dry run: ${file} is valid; ${into} stays as it is, and an import would find these records`);
  if (printer.json) printer.value({ dryRun: true, counts, changes, into });
  else {
    const present = Object.entries(changes).filter(([, of]) => outcomes.some((outcome) => of[outcome] > 0));
    const rows = present.map(([kind, of]) => [kind, ...outcomes.map((outcome) => String(of[outcome]))]);
    printer.table(['records', ...outcomes], rows);
  }
  const refused = Object.entries(changes).filter(([, of]) => of.refused > 0);
  if (refused.length === 0) return;
  const what = refused.map(([kind, of]) => `${of.refused} ${kind}`).join(', ');
  throw new SwobError(
    'UNAVAILABLE',
    `an import would fail, because ${into} would refuse ${what}; raise its limits in the configuration, or import into another store`,
  );
}
