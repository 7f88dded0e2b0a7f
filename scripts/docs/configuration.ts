// docs/reference/configuration.md, from the table of configuration keys. Used by pages.ts.

import { configurationIntro } from '../../src/cli/help/configuration-intro.ts';
import { schema } from '../../src/config/schema.ts';
import type { KeyDefinition } from '../../src/config/value-types.ts';
import { code, page, table } from './markdown.ts';

export function configurationPage(): string {
  const sections = Object.entries(schema).map(([section, keys]) => {
    const rows = Object.entries<KeyDefinition<unknown>>(keys).map(([name, definition]) => [
      code(name),
      code(definition.type.format(definition.default)) || '(empty)',
      definition.type.name,
      `${definition.doc}${definition.secret ? ' *Secret.*' : ''}`,
    ]);
    return `## [${section}]\n\n${table(['key', 'default', 'values', 'meaning'], rows)}`;
  });
  return page('Configuration', configurationIntro, ...sections);
}
