// Words usage errors: what is wrong with a command line, what was probably meant, and which help to read.
// Used by run.ts.

import type { Command, CommanderError } from 'commander';
import { nearestName } from '../config/suggestion.ts';
import { optionsOf, pathOf } from './completion/command-line.ts';
import { topics } from './help/topic-names.ts';
import { withoutCredentials } from './input/without-credentials.ts';

/** Hints for words, some of one group only, that users expect but swob names differently. */
const hints = new Map([
  ...['start', 'run', 'up', 'server', 'daemon'].map((word) => [word, 'Did you mean swob serve?'] as const),
  ['stop', 'Stop swob serve with Ctrl-C or SIGTERM'],
  ['version', 'Did you mean swob --version?'],
  ['check', 'Did you mean swob config check or swob doctor?'],
  ['-v', 'Did you mean --version?'],
  ['config get', 'Did you mean swob config show?'],
  ['config list', 'Did you mean swob config show?'],
  ['config set', 'Edit the configuration file, or pass --set to a command'],
]);

/** One line about a command line that commander rejects. */
export function usageMessage(error: CommanderError, program: Command, argv: readonly string[]): string {
  const { path, command, rest } = findChosenCommand(program, argv);
  const help = path.length === 0 ? 'swob --help' : `swob help ${path.join(' ')}`;
  return `${describeProblem(error, program, { path, command, rest })}; see ${help}`;
}

function describeProblem(
  error: CommanderError,
  program: Command,
  { path, command, rest }: ChosenCommand,
): string {
  const message = error.message
    .replace(/^error: /, '')
    .replace(/^command-argument value ('.*') is invalid for argument '(.*?)'\./s, '<$2> $1 is invalid.')
    .replace(
      /((?:argument|>) ')(.*)(' is invalid)/s,
      (_, before, value, after) => `${before}${withoutCredentials(value)}${after}`,
    )
    .replaceAll('\n', ' ')
    .replace(/\.$/, '');
  if (error.code === 'commander.missingMandatoryOptionValue') {
    // Commander reports a missing mandatory option before a misspelled one, which is often the cause.
    const misspelled = command.parseOptions([...rest]).unknown.find((word) => word.startsWith('-'));
    if (misspelled !== undefined) return `unknown option '${flagOf(misspelled)}', and ${message}`;
  }
  const [bare = '', kind, word = ''] = /^unknown (command|option) '(.*?)'/.exec(message) ?? [];
  if (bare === '') return message;
  if (kind === 'option') {
    const advice = hints.get(word) ?? (hasSuggestion(message) ? undefined : optionLike(command, word));
    // The value may be a secret.
    const shown = `unknown option '${flagOf(word)}'`;
    if (advice !== undefined) return `${shown} (${advice})`;
    return message.replace(bare, shown);
  }
  const advice =
    hints.get([...path, word].join(' ')) ??
    hints.get(word) ??
    (command === program || !hasSuggestion(message) ? commandsNamed(program, word) : undefined) ??
    topicLike(command === program ? word : '');
  return advice === undefined ? message : `${bare} (${advice})`;
}

const hasSuggestion = (message: string): boolean => message.includes('(Did you mean');

/** `--urll=http://…` as `--urll`. */
const flagOf = (word: string): string => word.replace(/=.*/s, '');

/** Suggests an option for a misspelled one with a value, and `--json` for `-json`, which commander does not. */
function optionLike(command: Command, word: string): string | undefined {
  const flag = flagOf(word);
  const names = optionsOf(command).flatMap(({ long }) => long?.slice(2) ?? []);
  // Without dashes, which all names share: they would let short names pass for misspelled ones.
  const meant = names.find((name) => `-${name}` === flag) ?? nearestName(flag.replace(/^-+/, ''), names);
  return meant === undefined ? undefined : `Did you mean --${meant}?`;
}

function topicLike(word: string): string | undefined {
  const meant = Object.hasOwn(topics, word) ? word : nearestName(word, Object.keys(topics));
  return meant === undefined ? undefined : `Did you mean swob help ${meant}?`;
}

/** Suggests subcommands with this name: `swob seeds ping` for `swob ping`. */
function commandsNamed(program: Command, word: string): string | undefined {
  const paths = program.commands.flatMap((group) =>
    descendantsOf(group)
      .filter((command) => command.name() === word)
      .map((command) => `swob ${pathOf(command)}`),
  );
  return paths.length === 0 ? undefined : `Did you mean ${paths.join(' or ')}?`;
}

function descendantsOf({ commands }: Command): Command[] {
  return commands.flatMap((command) => [command, ...descendantsOf(command)]);
}

interface ChosenCommand {
  /** The words that select the command. */
  readonly path: readonly string[];
  readonly command: Command;
  /** The remaining words. */
  readonly rest: readonly string[];
}

function findChosenCommand(program: Command, argv: readonly string[]): ChosenCommand {
  const path: string[] = [];
  let command = program;
  let operands: string[] = [];
  let unknown: string[] = [];
  try {
    ({ operands, unknown } = program.parseOptions([...argv]));
  } catch {
    // A global option is invalid.
  }
  for (const word of operands) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (!next) break;
    path.push(word);
    command = next;
  }
  return { path, command, rest: [...operands.slice(path.length), ...unknown] };
}
