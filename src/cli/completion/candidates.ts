// Candidates for the last word of an unfinished command line. Used by the hidden command `swob __complete`, which the
// scripts of shell-scripts.ts call on every Tab.

import type { Command, Option } from 'commander';
import { collectValues } from '../input/collect-values.ts';
import { helpIndex, locate, optionsOf, type Target } from './command-line.ts';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What a shell completes: these words, or `files` or `folders` after the part of the word that is not a path. */
export type Completion =
  | readonly Candidate[]
  | { readonly paths: 'files' | 'folders'; readonly before: string };

/** Candidates that depend on the configuration or on a running gateway; each is empty when it does not know. */
export interface ValueSources {
  /** Keys of the configuration, with their meaning; with `sections` also the names of the sections. */
  keys(options: { readonly sections: boolean }): Promise<readonly Candidate[]>;
  /** The values that a key of the configuration has a choice of. */
  keyValues(key: string): Promise<readonly Candidate[]>;
  services(): Promise<readonly Candidate[]>;
  topics(): Promise<readonly Candidate[]>;
  seeds(by: 'IMSI' | 'MSISDN', values: OptionValues): Promise<readonly Candidate[]>;
  /** Users who have paired, whose id begins with `prefix`. */
  users(prefix: string, values: OptionValues): Promise<readonly Candidate[]>;
  messages(values: OptionValues): Promise<readonly Candidate[]>;
}

/** Values of the options of the command line, by long name without dashes. */
export type OptionValues = ReadonlyMap<string, readonly string[]>;

/** The longest list that a shell gets. */
const maxCandidates = 500;

/**
 * @param words the words after `swob`; the last one is to be completed
 * @param enter defines the options and arguments of a command
 */
export async function completionOf(
  program: Command,
  words: readonly string[],
  enter: (command: Command) => Promise<void>,
  sources: ValueSources,
): Promise<Completion> {
  const help = helpIndex(program, words.slice(0, -1));
  const isHelp = help >= 0;
  const position = await locate(program, isHelp ? words.toSpliced(help, 1) : words, enter);
  const { command, target, current, values } = position;
  const from = (candidates: readonly Candidate[]): readonly Candidate[] =>
    candidates.filter(({ value }) => value.startsWith(current)).slice(0, maxCandidates);
  switch (target.kind) {
    case 'command': {
      const topics = isHelp && command === program ? await sources.topics() : [];
      return from([...commandsOf(command, !isHelp && command === program), ...topics]);
    }
    case 'option':
      return isHelp ? [] : from(freeOptions(command, target.used));
    case 'value': {
      if (isHelp) return [];
      const found = await valuesOf(target, current.slice(target.before.length), values, sources);
      if ('paths' in found) return { ...found, before: target.before + found.before };
      return from(found.map((candidate) => ({ ...candidate, value: target.before + candidate.value })));
    }
    case 'nothing':
      return [];
  }
}

function commandsOf(command: Command, withHelp: boolean): Candidate[] {
  const visible = command.createHelp().visibleCommands(command);
  return [
    ...visible.map((child) => ({ value: child.name(), description: child.description() })),
    ...(withHelp ? [{ value: 'help', description: 'show the help of a command or of a topic' }] : []),
  ];
}

function freeOptions(command: Command, used: ReadonlySet<Option>): Candidate[] {
  const isFree = (option: Option): boolean =>
    !option.hidden && (!used.has(option) || option.variadic || option.parseArg === collectValues);
  return [
    ...optionsOf(command)
      .filter(isFree)
      .map((option) => ({ value: option.long ?? option.short ?? '', description: option.description })),
    { value: '--help', description: 'display help for command' },
  ];
}

/** By placeholder, so that a placeholder means the same in every command; test/cli/conventions.test.ts knows them all. */
async function valuesOf(
  { placeholder, choices, earlier }: Extract<Target, { kind: 'value' }>,
  current: string,
  values: OptionValues,
  sources: ValueSources,
): Promise<Completion> {
  if (choices) return choices.map((value) => ({ value, description: '' }));
  switch (placeholder) {
    case 'file':
      return { paths: 'files', before: '' };
    case 'folder':
      return { paths: 'folders', before: '' };
    case '@file|-':
      return { paths: 'files', before: '@' };
    case 'text':
    case 'token':
      return current.startsWith('@') ? { paths: 'files', before: '@' } : [];
    case 'command':
      return { paths: 'files', before: '' };
    case 'section.key=value': {
      const equals = current.indexOf('=');
      if (equals < 0) {
        const keys = await sources.keys({ sections: false });
        return keys.map((key) => ({ ...key, value: `${key.value}=` }));
      }
      const key = current.slice(0, equals);
      const found = await sources.keyValues(key);
      return found.map((candidate) => ({ ...candidate, value: `${key}=${candidate.value}` }));
    }
    case 'keys':
      return sources.keys({ sections: true });
    case 'services':
      return sources.services();
    case 'IMSI':
    case 'MSISDN':
      return sources.seeds(placeholder, values);
    case 'user':
    case 'prefix':
      return sources.users(current, values);
    case 'id':
    case 'ids':
      return sources.messages(values);
    case 'what':
      if (earlier.length === 0)
        return ['ready', 'paired', 'seed'].map((value) => ({ value, description: '' }));
      if (earlier.length === 1 && earlier[0] === 'paired') return sources.users(current, values);
      return earlier.length === 1 && earlier[0] === 'seed' ? sources.seeds('IMSI', values) : [];
    default:
      return [];
  }
}
