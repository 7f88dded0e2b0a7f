// The commander program, built from the table of commands. The module of a command is imported only when the command is
// chosen, before its options are parsed. Used by run.ts.

import { Command } from 'commander';
import { commands, groups, hiddenCommands } from './command-table.ts';
import { pathOf } from './completion/command-line.ts';
import { createContext, type GlobalOptions } from './context.ts';
import { topics } from './help/topic-names.ts';
import { collectValues } from './input/collect-values.ts';
import type { Io } from './io.ts';
import { description, version } from './version.ts';

/** The program; parsing throws CommanderError instead of exiting. */
export function createProgram(io: Io): Command {
  const program = new Command('swob')
    .description(description)
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // run.ts prints all errors in the same form.
      outputError: () => undefined,
    })
    .option(
      '-c, --config <file>',
      'configuration file; repeatable, later ones override earlier ones (default: SWOB_CONFIG)',
      collectValues,
    )
    .option(
      '--set <section.key=value>',
      'configuration value that overrides all others; repeatable',
      collectValues,
    )
    .option('--json', 'print data and errors as JSON')
    .option('-q, --quiet', 'suppress notes on stderr')
    .option('--no-color', 'disable colours')
    .addHelpText(
      'after',
      `\nRun \`swob help <command>\` for details, or \`swob help <topic>\` with one of the topics ${Object.keys(topics).join(', ')}.\n\nExample:\n  swob serve\n  swob seeds list --json`,
    );
  const loadChosen = async (_: Command, chosen: Command): Promise<void> => {
    const path = pathOf(chosen);
    const entry = [...commands, ...hiddenCommands].find((candidate) => candidate.path === path);
    if (!entry) return;
    const { define } = await entry.load();
    // `color` is always set: commander's default for a --no-… option.
    const options = program.opts<Partial<GlobalOptions>>();
    const defaults = { config: [], set: [], json: false, quiet: false, color: true };
    define(chosen, createContext(io, { ...defaults, ...options }));
  };
  program.hook('preSubcommand', loadChosen);
  for (const { path, summary, isDefault = false } of commands) {
    const words = path.split(' ');
    const name = words.pop() ?? '';
    const parent = words.reduce((group, word) => groupOf(group, word, loadChosen), program);
    parent.command(name, { isDefault }).description(summary);
  }
  for (const { path, summary } of hiddenCommands)
    program.command(path, { hidden: true }).description(summary);
  return program;
}

function groupOf(
  parent: Command,
  name: string,
  importChosen: (parent: Command, chosen: Command) => Promise<void>,
): Command {
  const known = parent.commands.find((command) => command.name() === name);
  if (known) return known;
  const group = parent.command(name).helpCommand(false).hook('preSubcommand', importChosen);
  const path = pathOf(group);
  return group
    .description(groups[path] ?? '')
    .addHelpText('after', `\nRun \`swob help ${path} <command>\` for details.`);
}
