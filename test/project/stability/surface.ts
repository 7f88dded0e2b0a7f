// What users and their scripts rely on, as one object: commands, exit codes, configuration keys, metrics, and the JSON that
// commands print. Used by surface.test.ts.

import type { Argument, Command, Option } from 'commander';
import { definedProgram } from '../../../scripts/docs/program.ts';
import { schema } from '../../../src/config/schema.ts';
import type { KeyDefinition } from '../../../src/config/value-types.ts';
import { errorCatalogue } from '../../../src/errors.ts';
import { type MetricDefinition, metricCatalogue } from '../../../src/metrics/catalogue.ts';

/** Everything but the JSON, which needs running services. */
export async function declaredSurface(): Promise<Readonly<Record<string, object>>> {
  const { program, commands } = await definedProgram();
  return {
    commands: {
      swob: describeCommand(program),
      ...Object.fromEntries(
        [...commands].map(([path, command]) => [`swob ${path}`, describeCommand(command)]),
      ),
    },
    exitCodes: Object.fromEntries(Object.entries(errorCatalogue).map(([code, { exit }]) => [code, exit])),
    keys: Object.fromEntries(
      Object.entries(schema).flatMap(([section, keys]) =>
        Object.entries<KeyDefinition<unknown>>(keys).map(([key, { type, default: value, secret }]) => [
          `${section}.${key}`,
          `${type.format(value)} (${type.name}${secret ? ', secret' : ''})`,
        ]),
      ),
    ),
    metrics: Object.fromEntries(
      Object.entries<MetricDefinition>(metricCatalogue).map(([name, { type, labels }]) => [
        name,
        [type, ...Object.entries(labels).map(([label, values]) => `${label}=${[values].flat().join('|')}`)],
      ]),
    ),
  };
}

function describeCommand(command: Command): string[] {
  const help = command.createHelp();
  return [
    ...command.registeredArguments.map((argument: Argument) =>
      withChoices(argument.required ? `<${argument.name()}>` : `[${argument.name()}]`, argument.argChoices),
    ),
    ...command.options.map((option: Option) => withChoices(help.optionTerm(option), option.argChoices)),
  ];
}

function withChoices(term: string, choices: readonly string[] | undefined): string {
  return choices ? `${term}: ${choices.join('|')}` : term;
}

/** The members of JSON values, as sorted `path: type`; an item of a list is `[]`. */
export function membersOf(values: readonly unknown[]): string[] {
  const found = new Set<string>();
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, `${path}[]`);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value))
        visit(member, path === '' ? name : `${path}.${name}`);
    } else found.add(`${path || 'value'}: ${value === null ? 'null' : typeof value}`);
  };
  for (const value of values) visit(value, '');
  return [...found].sort();
}
