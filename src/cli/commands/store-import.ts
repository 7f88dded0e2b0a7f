// `swob store import`: a file of `swob store export`, into the store of the configuration.

import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { carriedHelp, carry } from '../porter.ts';
import { openSource } from '../spool.ts';

interface Options {
  readonly merge?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<file>', 'what store export wrote; - for stdin')
    .option('--merge', 'add to what the store holds; the file replaces what has the same id')
    .addHelpText(
      'after',
      `
${carriedHelp}

All of the file is checked before anything is written: its form, order, counts and digest. Then everything is written,
read back and compared. An import that was broken off can be run again with --merge, and ends the same. What comes on
stdin is kept in a temporary file without a name until the end.

Stop every swob that uses the store; nodes on Redis may stay at work with --merge only.

Example:
  swob store import backup.jsonl
  swob store import backup.jsonl --set store.url=redis://127.0.0.1:6379
  swob store import - < backup.jsonl`,
    )
    .action((file: string, options: Options) => run(context, file, options));
}

async function run(context: Context, file: string, { merge = false }: Options): Promise<void> {
  const { io, printer } = context;
  const { importStore } = await import('../../app/compose/store-import.ts');
  const imported = await carry(context, async (porter) => {
    const source = await openSource(file, io.stdin, porter.signal);
    try {
      return await importStore(porter, source, merge);
    } finally {
      await source.close();
    }
  });
  const { counts, over, changed, into, summary } = imported;
  printer.note(`imported ${summary} into ${into}, read back and compared`);
  if (over > 0) printer.note(`left out: ${over} whose time was over`);
  if (changed > 0) {
    printer.warn(
      `${changed} records are another by now: nodes that are at work have changed or delivered them, or what is remembered gave way to newer`,
    );
  }
  if (printer.json) printer.value({ counts, over, changed });
}
