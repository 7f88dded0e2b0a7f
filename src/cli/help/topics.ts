// The text of `swob help <topic>`, from the tables that docs/reference is generated from. Loaded when a topic is shown.

import { schema } from '../../config/schema.ts';
import { variableName } from '../../config/sources.ts';
import type { KeyDefinition } from '../../config/value-types.ts';
import { errorCatalogue } from '../../errors.ts';
import { configurationIntro } from './configuration-intro.ts';
import { exitIntro, exitMeanings } from './exit-codes.ts';
import type { Topic } from './topic-names.ts';
import { variables } from './variables.ts';

/** The text, in lines of any length and with a line feed at the end. */
export function topicText(topic: Topic): string {
  return `${texts[topic]().join('\n')}\n`;
}

const texts: Readonly<Record<Topic, () => string[]>> = {
  'exit-codes': () => [
    withoutMarkup(exitIntro),
    '',
    ...Object.entries(exitMeanings).flatMap(([exit, meaning]) => {
      const codes = Object.entries(errorCatalogue).filter(([, error]) => error.exit === Number(exit));
      return [`${exit.padStart(4)}  ${meaning}`, `      ${codes.map(([code]) => code).join(', ')}`];
    }),
  ],
  configuration: () => [
    withoutMarkup(configurationIntro),
    ...Object.entries(schema).flatMap(([section, keys]) => [
      '',
      `[${section}]`,
      ...Object.entries<KeyDefinition<unknown>>(keys).flatMap(([key, { type, default: value, doc }]) => [
        `  ${key} = ${type.format(value)}`.trimEnd(),
        `      ${withoutMarkup(doc)} (${type.name})`,
      ]),
    ]),
  ],
  environment: () => [
    'Environment variables override the configuration file, and --set overrides them. Every key has a variable:',
    `[api] port is ${variableName('api.port')}, [pcrf.pool] is SWOB_PCRF_POOL_…`,
    '',
    ...Object.entries(variables).map(([name, meaning]) => `  ${name.padEnd(15)}${withoutMarkup(meaning)}`),
    '',
    ...Object.entries(schema).flatMap(([section, keys]) =>
      Object.keys(keys).map((key) => `  ${variableName(`${section}.${key}`).padEnd(48)}[${section}] ${key}`),
    ),
  ],
};

/** The text without the marks of Markdown. */
function withoutMarkup(text: string): string {
  return text.replaceAll('`', '').replace(/\*(\w+)\*/g, '$1');
}
