// Reads the part of HOCON that application.conf files use (https://github.com/lightbend/config/blob/main/HOCON.md).
// Used by hocon-source.ts.

import { HoconError, type HoconObject } from './hocon-nodes.ts';
import { parseDocument } from './hocon-parser.ts';
import { resolveDocument } from './hocon-resolve.ts';

const maxBytes = 1024 * 1024;

/**
 * The values of a HOCON text with their lines, substitutions replaced from the text itself and from `env`.
 * Durations and sizes stay text; `include` is refused. Throws HoconError at the first fault.
 */
export function parseHocon(text: string, env: Readonly<Record<string, string | undefined>>): HoconObject {
  if (Buffer.byteLength(text) > maxBytes) throw new HoconError(1, 'larger than 1 MiB');
  return resolveDocument(parseDocument(text), env);
}
