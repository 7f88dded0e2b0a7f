// `swob playground env`: prints the environment variables of the running playground.

import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { currentPlaygroundFile, readCurrentPlayground } from '../../playground/current.ts';
import { playgroundEnvironment, shellExports } from '../../playground/environment.ts';

interface Options {
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  command
    .option('--ready-file <file>', 'the ready file of the playground (default: that of the last one started)')
    .addHelpText(
      'after',
      `
Prints commands for a POSIX shell, tokens included, for \`eval "$(swob playground env)"\`; with --json an object. Exits with
69 when no playground is running.

Example:
  swob playground env --json`,
    )
    .action((options: Options) => run(context, options));
}

async function run({ io, printer }: Context, { readyFile }: Options): Promise<void> {
  const playground = await readCurrentPlayground(readyFile ?? currentPlaygroundFile());
  const variables = await playgroundEnvironment(playground, io.clock.now());
  if (printer.json) printer.value(variables);
  else for (const line of shellExports(variables)) printer.line(line);
}
