// All commands follow the same conventions; CONTRIBUTING.md lists them.

import type { Command, Option } from 'commander';
import { beforeAll, expect, test } from 'vitest';
import { definedProgram } from '../../scripts/docs/program.ts';
import { groups } from '../../src/cli/command-table.ts';
import { collectValues } from '../../src/cli/input/collect-values.ts';

let program: Command;
let commands: ReadonlyMap<string, Command>;
beforeAll(async () => {
  ({ program, commands } = await definedProgram());
});

const placeholderOf = (option: Option): string => /[<[](.*)[>\]]/.exec(option.flags)?.[1] ?? '';

/** `path --option`, for the options that break a rule. */
function optionsThat(isWrong: (option: Option, path: string) => boolean): string[] {
  return [...commands].flatMap(([path, { options }]) =>
    options.filter((option) => isWrong(option, path)).map((option) => `${path} ${option.long}`),
  );
}

test('a command of several words is a noun of the table, or a group of it, and a verb, in lower case', () => {
  for (const path of commands.keys()) {
    expect(path).toMatch(/^[a-z]+(?: [a-z]+){0,2}$/);
    const [first = ''] = path.split(' ');
    expect(Object.hasOwn(groups, first), path).toBe(path.includes(' '));
    if (path.includes(' ')) expect(groups).toHaveProperty([path.replace(/ [a-z]+$/, '')]);
  }
});

test('summaries and descriptions are phrases without a full stop', () => {
  for (const [path, command] of commands) {
    expect(command.description(), path).toMatch(/^[a-z].*[^.]$/);
    for (const { flags, description } of command.options)
      expect(description, `${path} ${flags}`).toMatch(/[^.]$/);
    for (const argument of command.registeredArguments) expect(argument.description, path).toMatch(/[^.]$/);
  }
});

test('options have a long name in lower case with hyphens, and none replaces a global option', () => {
  const globals = new Set([...program.options.map(({ long }) => long), '--help']);
  expect(optionsThat(({ long }) => !/^--[a-z]+(?:-[a-z]+)*$/.test(long ?? ''))).toEqual([]);
  expect(optionsThat(({ long, short }) => globals.has(long) || short !== undefined)).toEqual([]);
});

test('options that every command needs in the same way have the same form and meaning', () => {
  const forms: Readonly<Record<string, RegExp>> = {
    '--url': /^--url <url> URL of /,
    '--token': /^--token <@file\|-> .*\(default: SWOB_TOKEN/,
    '--password': /^--password <@file\|-> .*\(default: SWOB_PASSWORD/,
    '--auth-key': /^--auth-key <@file\|-> .*\(default: SWOB_AUTH_KEY/,
    '--ready-file': /^--ready-file <file> (?:file written when|the ready file of)/,
    '--host': /^--host <host> address to listen on/,
    '--port': /^--port <port> .*0 picks/,
    '--timeout': /^--timeout <duration> /,
    '--within': /^--within <duration> /,
    '--every': /^--every <duration> /,
    '--key': /^--key <file> file of /,
    '--force': /^--force replace (?:an existing file$|existing files )/,
    '--dry-run': /^--dry-run /,
    '--msisdn': /^--msisdn <MSISDN(?:=user)?> phone number /,
    '--watch': /^--watch repeat /,
    '--junit': /^--junit <file> /,
  };
  expect(
    optionsThat(({ long, flags, description }) => {
      const form = forms[long ?? ''];
      return form !== undefined && !form.test(`${flags} ${description}`);
    }),
  ).toEqual([]);
});

test('a phone number has one name: --msisdn, or the placeholder <MSISDN>', () => {
  const isNumber = (option: Option): boolean =>
    /^phone number|the (?:phone )?number of/.test(option.description) && !option.hidden;
  expect(optionsThat((option) => isNumber(option) && !placeholderOf(option).startsWith('MSISDN'))).toEqual(
    [],
  );
  expect(optionsThat(({ long, hidden }) => !hidden && /number/.test(long ?? ''))).toEqual([]);
});

test('an option that may be repeated says so', () => {
  const isRepeatable = ({ parseArg }: Option): boolean => parseArg === collectValues;
  expect(optionsThat((option) => isRepeatable(option) && !option.description.includes('repeatable'))).toEqual(
    [],
  );
});

test('secrets are read from a file, stdin or a prompt', () => {
  const isSecret = ({ long }: Option): boolean => /^--(?:password|token|auth-key|secret)$/.test(long ?? '');
  expect(optionsThat((option) => isSecret(option) && placeholderOf(option) !== '@file|-')).toEqual([]);
});

test('commands that change messages or the store have --dry-run', () => {
  for (const path of ['sms send', 'sms retry', 'sms drop', 'store import', 'pairings revoke'])
    expect(
      commands.get(path)?.options.map(({ long }) => long),
      path,
    ).toContain('--dry-run');
});

test('a placeholder that Tab completes means the same in each command', () => {
  const meanings: Readonly<Record<string, RegExp>> = {
    services: /services/,
    IMSI: /IMSI/,
    MSISDN: /phone number|number/,
    user: /user/,
    ids: /ids of messages/,
    id: /id of the message/,
    file: /file|JUnit report/i,
    folder: /folder|keep the exchanges|answer from a recording/,
    keys: /keys to show/,
  };
  for (const [path, command] of commands) {
    const described = [
      ...command.registeredArguments.map((argument) => [argument.name(), argument.description] as const),
      ...command.options
        .filter(({ hidden }) => !hidden)
        .map((option) => [placeholderOf(option), option.description] as const),
    ];
    for (const [placeholder, description] of described) {
      expect(description, `${path} <${placeholder}>`).toMatch(meanings[placeholder] ?? /./);
    }
  }
});
