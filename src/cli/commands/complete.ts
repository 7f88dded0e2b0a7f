// `swob __complete -- <words>`: prints candidates for the last word. Hidden: the scripts of `swob completion` call it on
// every Tab, so it fails silently, as a shell shows errors in the middle of the command line.

import type { Command } from 'commander';
import { printable } from '../../lib/printable.ts';
import { commands } from '../command-table.ts';
import { type Completion, completionOf, type OptionValues } from '../completion/candidates.ts';
import { pathOf } from '../completion/command-line.ts';
import { createValueSources } from '../completion/value-sources.ts';
import { type Context, createContext } from '../context.ts';

export function define(command: Command, context: Context): void {
  command
    .argument('[words...]', 'words of the command line, after --')
    .action((words: readonly string[]) => complete(command, context, words));
}

async function complete(command: Command, context: Context, words: readonly string[]): Promise<void> {
  const program = command.parent;
  if (!program) return;
  const contextOf = async (values: OptionValues): Promise<Context> =>
    createContext(context.io, {
      ...context.options,
      config: values.get('config') ?? [],
      set: values.get('set') ?? [],
    });
  try {
    const found = await completionOf(
      program,
      words,
      (chosen) => enter(program, chosen, context),
      createValueSources(contextOf),
    );
    for (const line of linesOf(found)) context.printer.raw(`${line}\n`);
  } catch {
    // No candidates.
  }
}

/** Defines the chosen command, and the default command of a chosen group. */
async function enter(program: Command, chosen: Command, context: Context): Promise<void> {
  const path = pathOf(chosen);
  const entry = commands.find(
    (candidate) => candidate.path === path || (candidate.isDefault && candidate.path.startsWith(`${path} `)),
  );
  if (entry && chosen !== program) (await entry.load()).define(chosen, context);
}

/** The form that the scripts read: `value<Tab>description`, or `:files` and `:folders` with what precedes the path. */
function linesOf(found: Completion): string[] {
  if ('paths' in found) return [`:${found.paths}${found.before}`];
  return found.map(({ value, description }) => {
    const shown = printable(description);
    return shown === '' ? printable(value) : `${printable(value)}\t${shown}`;
  });
}
