// Finds what the last word of an unfinished command line is: an option, the value of an option, a command or an argument.
// Used by candidates.ts, and by run.ts, program.ts and usage.ts for their errors and help.

import type { Command, Option } from 'commander';

/** What is to be completed. */
export type Target =
  | { readonly kind: 'command' }
  | { readonly kind: 'option'; readonly used: ReadonlySet<Option> }
  | {
      readonly kind: 'value';
      /** The word in the brackets of the help: `file`, `IMSI`. */
      readonly placeholder: string;
      readonly choices: readonly string[] | undefined;
      /** The values that the same option already has: `seed` in `--for seed`. */
      readonly earlier: readonly string[];
      /** The part of the word before the value: `--mode=`. */
      readonly before: string;
    }
  | { readonly kind: 'nothing' };

export interface Position {
  readonly command: Command;
  readonly target: Target;
  /** The word to complete, which may be empty. */
  readonly current: string;
  /** The values of the complete options, by their long name without dashes. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param words the words after `swob`; the last one is to be completed
 * @param enter defines the options and arguments of a command before they are needed
 */
export async function locate(
  program: Command,
  words: readonly string[],
  enter: (command: Command) => Promise<void>,
): Promise<Position> {
  const current = words.at(-1) ?? '';
  const values = new Map<string, string[]>();
  const used = new Set<Option>();
  const operands: string[] = [];
  let command = program;
  let pending: { readonly option: Option; readonly earlier: string[] } | undefined;
  let literal = false;
  await enter(program);
  for (const word of words.slice(0, -1)) {
    if (pending && !(pending.option.variadic && word.startsWith('-'))) {
      pending.earlier.push(word);
      record(values, pending.option, word);
      if (!pending.option.variadic) pending = undefined;
      continue;
    }
    pending = undefined;
    if (!literal && word === '--') literal = true;
    else if (!literal && word.startsWith('-') && word !== '-') {
      const [flag = '', value] = splitOption(word);
      const option = findOption(command, flag);
      if (!option) continue;
      used.add(option);
      if (value !== undefined) record(values, option, value);
      else if (takesValue(option)) pending = { option, earlier: [] };
    } else {
      const next = command.commands.find((child) => child.name() === word);
      if (next) {
        command = next;
        await enter(command);
      } else operands.push(word);
    }
  }
  const target = targetOf({ command, pending, literal, current, used, operands });
  return { command, target, current, values };
}

/** The index of `help` if that is the first word that is neither a global option nor the value of one; else -1. */
export function helpIndex(program: Command, words: readonly string[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === 'help') return at;
    const [flag = '', value] = splitOption(word);
    const option = word.startsWith('-') ? findOption(program, flag) : undefined;
    if (!option) return -1;
    if (value === undefined && takesValue(option)) at++;
  }
  return -1;
}

interface State {
  readonly command: Command;
  readonly pending: { readonly option: Option; readonly earlier: readonly string[] } | undefined;
  readonly literal: boolean;
  readonly current: string;
  readonly used: ReadonlySet<Option>;
  readonly operands: readonly string[];
}

function targetOf({ command, pending, literal, current, used, operands }: State): Target {
  if (pending && !(pending.option.variadic && current.startsWith('-')))
    return optionValue(pending.option, pending.earlier, '');
  if (!literal && current.startsWith('-')) {
    const [flag = '', value] = splitOption(current);
    if (value === undefined) return { kind: 'option', used };
    const option = findOption(command, flag);
    return option && takesValue(option) ? optionValue(option, [], `${flag}=`) : { kind: 'nothing' };
  }
  if (command.commands.length > 0) return operands.length === 0 ? { kind: 'command' } : { kind: 'nothing' };
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[operands.length] ?? (last?.variadic ? last : undefined);
  if (!argument) return { kind: 'nothing' };
  return {
    kind: 'value',
    placeholder: argument.name(),
    choices: argument.argChoices,
    earlier: [],
    before: '',
  };
}

function optionValue(option: Option, earlier: readonly string[], before: string): Target {
  const [, placeholder = ''] = /[<[](.*?)(?:\.\.\.)?[>\]]/.exec(option.flags) ?? [];
  return { kind: 'value', placeholder, choices: option.argChoices, earlier, before };
}

/** The words that select the command: `seeds list`. */
export function pathOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name();
}

/** The options of the command and of all its parents, which accept them too. */
export function optionsOf(command: Command): Option[] {
  return [...command.options, ...(command.parent ? optionsOf(command.parent) : [])];
}

function findOption(command: Command, flag: string): Option | undefined {
  return optionsOf(command).find((option) => [option.short, option.long].includes(flag));
}

const takesValue = (option: Option): boolean => option.required || option.optional;

/** `--mode=slow` as `--mode` and `slow`; the value is undefined without an equals sign. */
function splitOption(word: string): [flag: string, value?: string] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

function record(values: Map<string, string[]>, option: Option, value: string): void {
  const name = option.name();
  values.set(name, [...(values.get(name) ?? []), value]);
}
