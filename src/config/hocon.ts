// Parses the subset of HOCON that application.conf files use (https://github.com/lightbend/config/blob/main/HOCON.md).
// Used by hocon-source.ts.

import { HoconError, type HoconObject } from './hocon-nodes.ts';
import { parseDocument } from './hocon-parser.ts';
import { resolveDocument } from './hocon-resolve.ts';

const maxBytes = 1024 * 1024;

/**
 * The values of a HOCON text with line numbers; substitutions are replaced from the text, then from `env`. Durations and
 * sizes remain text. `include`, `+=` and self-reference are errors. Throws HoconError at the first error.
 */
export function parseHocon(text: string, env: Readonly<Record<string, string | undefined>>): HoconObject {
  if (Buffer.byteLength(text) > maxBytes) throw new HoconError(1, 'larger than 1 MiB');
  return resolveDocument(parseDocument(text), env);
}
