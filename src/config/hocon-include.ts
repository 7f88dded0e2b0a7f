// Parses the include statements of a HOCON text: `include "file"`, `include file("file")`, `include required(…)`. Used by
// hocon-parser.ts; hocon-files.ts reads the files.

import type { HoconError, ObjectNode } from './hocon-nodes.ts';
import type { Scanner } from './hocon-scanner.ts';

export interface IncludeStatement {
  /** As written in the quotes. */
  readonly name: string;
  /** A missing file is an error; otherwise it counts as empty, as HOCON specifies. */
  readonly required: boolean;
  readonly line: number;
  /** An error on the line of the statement. */
  fail(message: string): HoconError;
}

/** Reads the files of a statement and parses each with `parse`, in the order in which they are merged. Throws HoconError. */
export type Include = (
  statement: IncludeStatement,
  parse: (text: string, linesBefore: number) => ObjectNode,
) => ObjectNode[];

/** What may be between `include` and the name, without spaces, and what then follows the name. */
const forms = new Map([
  ['', { required: false, after: '' }],
  ['file(', { required: false, after: ')' }],
  ['required(', { required: true, after: ')' }],
  ['required(file(', { required: true, after: '))' }],
]);

/** Whether an include statement starts here. A key of this name is in quotes. */
export function atInclude(scanner: Scanner): boolean {
  return /^include(?:[\s$"{}[\]:=,+#`^?!@*&\\/]|$)/.test(scanner.ahead('include'.length + 1));
}

/** Reads the statement up to its end. */
export function readInclude(scanner: Scanner): IncludeStatement {
  const line = scanner.line();
  const { error: fail } = scanner;
  scanner.advance('include'.length);
  const before = readRun(scanner);
  const form = forms.get(before);
  if (!form || scanner.peek() !== '"') throw fail(misuse(before));
  const name = scanner.readQuoted();
  if (form.after !== '' && readRun(scanner) !== form.after)
    throw fail(`expected ${form.after} after the file name of include`);
  return { name, required: form.required, line, fail };
}

function misuse(before: string): string {
  const [, kind] = /^(?:required\()?(url|classpath|package)\(/.exec(before) ?? [];
  if (kind !== undefined)
    return `include ${kind}(…) is not supported: copy that file into this folder, and write include "name.conf"`;
  return 'expected include "name.conf", include file("name.conf") or include required("name.conf"); put a key named include in double quotes';
}

/** Unquoted characters without the spaces between them. */
function readRun(scanner: Scanner): string {
  let text = '';
  for (;;) {
    scanner.readSpaces();
    const run = scanner.readUnquoted();
    if (run === '') return text;
    text += run;
  }
}
