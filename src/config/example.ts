// Writes the table as the text of confs/example.conf.ini: every key with its default and its doc line.

import { iniValue } from './ini-file.ts';
import type { Key } from './kinds.ts';
import { schema } from './schema.ts';

/** The whole example file. A test fails when confs/example.conf.ini differs from it. */
export function exampleFile(): string {
  const lines = [
    '; Every key of swob with its default. Copy to confs/conf.ini (`swob config init`) and change what you need.',
    '; Durations: 10s, 5m, 1.5h, 250ms, or a number of seconds. Put a value that holds ";" or "#" in double quotes.',
    '; The environment (SWOB_API_PORT=7000) goes before this file, and --set api.port=7000 before both.',
  ];
  for (const [section, keys] of Object.entries(schema)) {
    lines.push('', `[${section}]`);
    for (const [name, definition] of Object.entries<Key<unknown>>(keys)) {
      lines.push(`; ${definition.doc} (${definition.kind.name})`);
      lines.push(`${name} = ${iniValue(definition.kind.format(definition.default))}`.trimEnd());
    }
  }
  return `${lines.join('\n')}\n`;
}
