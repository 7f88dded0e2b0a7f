// docs/man: the manual pages, from the commander program and the tables of `swob help`. Used by pages.ts; scripts/install
// puts them into the system.

import type { Command } from 'commander';
import { groups } from '../../src/cli/command-table.ts';
import { configurationIntro } from '../../src/cli/help/configuration-intro.ts';
import { exitIntro, exitMeanings } from '../../src/cli/help/exit-codes.ts';
import { variables } from '../../src/cli/help/variables.ts';
import { version } from '../../src/cli/version.ts';
import { schema } from '../../src/config/schema.ts';
import type { KeyDefinition } from '../../src/config/value-types.ts';
import { sentence } from './markdown.ts';
import { definedProgram, notesOf } from './program.ts';
import { definitions, heading, manualPage, paragraphs, roff, subheading, verbatim } from './roff.ts';

/** Texts by path: swob(1), swob-<word>(1) for the first word of each command, and swob.conf(5). */
export async function manualPages(): Promise<Readonly<Record<string, string>>> {
  const { program, commands } = await definedProgram();
  const words = new Set([...commands.keys()].map((path) => path.split(' ')[0] ?? ''));
  const pages: Record<string, string> = {
    'docs/man/swob.1': mainPage(program, commands, words),
    'docs/man/swob.conf.5': configurationPage(),
  };
  for (const word of words) {
    const own = [...commands].filter(([path]) => path.split(' ')[0] === word);
    pages[`docs/man/swob-${word}.1`] = commandPage(word, own);
  }
  return pages;
}

function mainPage(
  program: Command,
  commands: ReadonlyMap<string, Command>,
  words: ReadonlySet<string>,
): string {
  return manualPage(
    'swob',
    1,
    program.description(),
    version,
    heading('Synopsis'),
    '\\fBswob\\fP [options] \\fIcommand\\fP',
    heading('Commands'),
    definitions([...commands].map(([path, command]) => [`swob ${path}`, sentence(command.description())])),
    heading('Global options'),
    optionsOf(program),
    heading('Exit status'),
    paragraphs(exitIntro),
    definitions(Object.entries(exitMeanings)),
    heading('Environment'),
    paragraphs('Every key of the configuration has a variable, too; see swob.conf(5).'),
    definitions(Object.entries(variables).map(([name, meaning]) => [name, sentence(meaning)])),
    heading('See also'),
    `${[...words].map((word) => `\\fBswob\\-${word}\\fP(1)`).join(', ')}, \\fBswob.conf\\fP(5)`,
  );
}

function commandPage(word: string, commands: readonly (readonly [path: string, command: Command])[]): string {
  const [first] = commands;
  const summary = groups[word] ?? first?.[1].description() ?? '';
  return manualPage(
    `swob-${word}`,
    1,
    summary,
    version,
    heading('Synopsis'),
    commands.map(([path, command]) => `\\fBswob ${roff(path)}\\fP ${roff(command.usage())}`).join('\n.br\n'),
    ...commands.flatMap(([path, command]) => [
      heading(groups[word] === undefined ? 'Description' : `swob ${path}`),
      ...sectionOf(command),
    ]),
    heading('See also'),
    '\\fBswob\\fP(1) for the global options and the exit status, \\fBswob.conf\\fP(5)',
  );
}

function sectionOf(command: Command): string[] {
  const help = command.createHelp();
  const named = command.registeredArguments.map((argument): [string, string] => [
    help.argumentTerm(argument),
    sentence(help.argumentDescription(argument)),
  ]);
  const { notes, examples } = notesOf(command);
  return [
    paragraphs(sentence(command.description())),
    ...(named.length > 0 ? [definitions(named)] : []),
    ...(command.options.length > 0 ? [optionsOf(command)] : []),
    ...(notes === '' ? [] : [paragraphs(notes)]),
    ...(examples === undefined ? [] : [subheading('Examples'), verbatim(examples)]),
  ];
}

function optionsOf(command: Command): string {
  const help = command.createHelp();
  return definitions(
    command.options.map((option) => [help.optionTerm(option), sentence(help.optionDescription(option))]),
  );
}

function configurationPage(): string {
  return manualPage(
    'swob.conf',
    5,
    'configuration of swob',
    version,
    heading('Description'),
    paragraphs(configurationIntro.replace(/\*(\w+)\*/g, '$1')),
    ...Object.entries(schema).flatMap(([section, keys]) => [
      heading(`[${section}]`),
      definitions(
        Object.entries<KeyDefinition<unknown>>(keys).map(([key, { type, default: value, doc, secret }]) => [
          `${key} = ${type.format(value)}`.trimEnd(),
          `${doc} (${type.name})${secret ? ' Secret.' : ''}`,
        ]),
      ),
    ]),
    heading('See also'),
    '\\fBswob\\fP(1)',
  );
}
