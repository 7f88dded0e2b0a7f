// Parses the paths of HOCON keys and substitutions. Used by hocon-parser.ts.

import type { Scanner } from './hocon-scanner.ts';

/** The path of a key or substitution, such as `a.b."c.d"`. Spaces within a part are preserved. */
export function readPath(scanner: Scanner, isKey: boolean): string[] {
  const path: string[] = [];
  let part = '';
  let known = false;
  const finish = (): void => {
    if (!known) throw scanner.error(isKey ? 'expected a key' : 'expected a key in the substitution');
    path.push(part);
    part = '';
    known = false;
  };
  for (let spaces = ''; ; spaces = scanner.readSpaces()) {
    if (scanner.peek() === '"') {
      part += spaces + scanner.readQuoted();
      known = true;
      continue;
    }
    const run = scanner.readUnquoted();
    if (run === '') break;
    const [head = '', ...rest] = run.split('.');
    part += spaces + head;
    known ||= head !== '';
    for (const next of rest) {
      finish();
      part = next;
      known = next !== '';
    }
  }
  finish();
  return path;
}
