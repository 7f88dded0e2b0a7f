// `swob playground env`: prints the environment variables of a running playground.

import type { Command } from 'commander';
import { playgroundFolder } from '../../../config/environment.ts';
import type { Context } from '../../context.ts';
import { playgroundEnvironment, shellExports } from '../../playground/environment.ts';
import { findReadyFile, readPlayground } from '../../playground/ready-files.ts';

interface Options {
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  command
    .option(
      '--ready-file <file>',
      'the ready file of the playground (default: that of PLAYGROUND_FOLDER, then of the only one that is running)',
    )
    .addHelpText(
      'after',
      `
Prints commands for a POSIX shell, tokens included, for \`eval "$(swob playground env)"\`; with --json an object. Exits with
69 when no playground is running, and with 64 and a list when several are: a script that may run beside others starts its own
with \`playground run\`, or with --ready-file, which it also passes here.

Example:
  swob playground env --json
  swob playground env --ready-file playground.json`,
    )
    .action((options: Options) => run(context, options));
}

async function run({ io, printer }: Context, { readyFile }: Options): Promise<void> {
  const file = readyFile ?? (await findReadyFile(playgroundFolder(io.env), printer.warn));
  const playground = await readPlayground(file);
  const variables = await playgroundEnvironment(playground, io.clock.now());
  if (printer.json) printer.value(variables);
  else for (const line of shellExports(variables)) printer.line(line);
}
