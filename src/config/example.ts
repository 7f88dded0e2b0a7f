// Formats the table as the text of confs/example.conf.ini: every key with its default and its documentation.

import { iniValue } from './ini-file.ts';
import { isTemplate } from './named-sections.ts';
import { schema } from './schema.ts';
import type { KeyDefinition } from './value-types.ts';

/** The complete example file; a test compares confs/example.conf.ini with it. */
export function exampleFile(): string {
  const lines = [
    '; Every configuration key of swob with its default. Copy this file to confs/conf.ini (`swob config init`) and edit it.',
    '; Durations: 10s, 5m, 1.5h, 250ms, or a number of seconds. Put values that contain ";" or "#" in double quotes.',
    '; Environment variables (SWOB_API_PORT=7000) override this file, and --set api.port=7000 overrides both.',
  ];
  for (const [section, keys] of Object.entries(schema)) {
    // A section that the user names is an example: its lines are comments.
    const start = isTemplate(section) ? '; ' : '';
    lines.push('', `${start}[${section}]`);
    for (const [name, definition] of Object.entries<KeyDefinition<unknown>>(keys)) {
      lines.push(`; ${definition.doc} (${definition.type.name})`);
      lines.push(`${start}${name} = ${iniValue(definition.type.format(definition.default))}`.trimEnd());
    }
  }
  return `${lines.join('\n')}\n`;
}
