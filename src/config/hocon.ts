// Parses the subset of HOCON that application.conf files use (https://github.com/lightbend/config/blob/main/HOCON.md).
// Used by hocon-source.ts.

import type { Include } from './hocon-include.ts';
import { HoconError, type HoconObject } from './hocon-nodes.ts';
import { parseDocument } from './hocon-parser.ts';
import { resolveDocument } from './hocon-resolve.ts';

const maxBytes = 1024 * 1024;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The values of a HOCON text with line numbers; substitutions are replaced from the text, then from `env`. Durations and
 * sizes remain text. `+=` and self-reference are errors, and so is `include` unless something reads the files. Throws
 * HoconError at the first error.
 */
export function parseHocon(text: string, env: Environment, include: Include = refuseInclude): HoconObject {
  if (Buffer.byteLength(text) > maxBytes) throw new HoconError(1, 'larger than 1 MiB');
  return resolveDocument(parseDocument(text, include), env);
}

const refuseInclude: Include = ({ fail }) => {
  throw fail('include is not supported: insert the content of that file here');
};
