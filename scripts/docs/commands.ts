// docs/reference/commands.md, from the commander program. Used by pages.ts.

import type { Command } from 'commander';
import { code, escaped, fence, page, sentence, table } from './markdown.ts';
import { definedProgram, notesOf } from './program.ts';

export async function commandsPage(): Promise<string> {
  const { program, commands } = await definedProgram();
  const sections = [...commands].map(([path, command]) => section(`swob ${path}`, command));
  return page(
    'Commands',
    'Every command, with its arguments and options. `swob <command> --help` prints the same.',
    '## Global options',
    optionsOf(program),
    ...sections,
  );
}

function section(name: string, command: Command): string {
  const help = command.createHelp();
  const rows = command.registeredArguments.map((argument) => [
    code(help.argumentTerm(argument)),
    help.argumentDescription(argument),
  ]);
  return [
    `## ${name}`,
    sentence(command.description()),
    fence(`${name} ${command.usage()}`),
    ...(rows.length > 0 ? [table(['argument', 'meaning'], rows)] : []),
    ...(command.options.length > 0 ? [optionsOf(command)] : []),
    ...remarksOf(command),
  ].join('\n\n');
}

function optionsOf(command: Command): string {
  const help = command.createHelp();
  const rows = command.options.map((option) => [
    code(help.optionTerm(option)),
    help.optionDescription(option),
  ]);
  return table(['option', 'meaning'], rows);
}

/** Notes as text, examples as code. */
function remarksOf(command: Command): string[] {
  const { notes, examples } = notesOf(command);
  return [...(notes === '' ? [] : [escaped(notes)]), ...(examples === undefined ? [] : [fence(examples)])];
}
