// Scans the characters of a HOCON text (white space, comments, strings) and counts lines.
// Used by hocon-parser.ts.

import { HoconError } from './hocon-nodes.ts';

export interface Scanner {
  /** The current line, starting at 1 in the first file; lines of included files follow it. */
  line(): number;
  /** The line within this file, for messages. */
  lineInFile(line: number): number;
  /** The next character; empty at the end. */
  peek(): string;
  startsWith(text: string): boolean;
  /** The next `count` characters. */
  ahead(count: number): string;
  /** Whether the text or line ends here, or a comment starts. */
  atLineEnd(): boolean;
  advance(count: number): void;
  /** Reads white space up to the end of the line. */
  readSpaces(): string;
  /** Skips white space, newlines and comments; returns whether it passed a newline. */
  skipBlank(): boolean;
  /** Reads a string in `"` or `"""`. */
  readQuoted(): string;
  /** Reads characters that need no quotes; may be empty. */
  readUnquoted(): string;
  error(message: string): HoconError;
}

/** Numbers may contain a `+`, which otherwise needs quotes; a `//` starts a comment. */
const unquotedPattern = /-?\d+(?:\.\d+)?[eE]\+\d+|(?:[^\s$"{}[\]:=,+#`^?!@*&\\/]|\/(?!\/))+/y;
const spacePattern = /[^\S\n]+/y;

/** @param linesBefore lines of the files before this one */
export function createScanner(text: string, linesBefore = 0): Scanner {
  let at = 0;
  let line = linesBefore + 1;

  const error = (message: string): HoconError => new HoconError(line, message);
  const peek = (): string => text.charAt(at);
  const startsWith = (expected: string): boolean => text.startsWith(expected, at);
  const atComment = (): boolean => peek() === '#' || startsWith('//');

  const run = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };

  const skipBlank = (): boolean => {
    const before = line;
    for (;;) {
      run(spacePattern);
      if (atComment()) {
        const end = text.indexOf('\n', at);
        at = end < 0 ? text.length : end;
      }
      if (peek() !== '\n') return line > before;
      at++;
      line++;
    }
  };

  const tripleQuoted = (): string => {
    const start = at + 3;
    let end = text.indexOf('"""', start);
    if (end < 0) throw error('the """ is never closed');
    // If more than three quotes follow, the last three close the string.
    while (text.charAt(end + 3) === '"') end++;
    const content = text.slice(start, end);
    line += content.split('\n').length - 1;
    at = end + 3;
    return content;
  };

  const readQuoted = (): string => {
    if (startsWith('"""')) return tripleQuoted();
    let end = at + 1;
    while (end < text.length && text.charAt(end) !== '"' && text.charAt(end) !== '\n') {
      end += text.charAt(end) === '\\' ? 2 : 1;
    }
    if (text.charAt(end) !== '"') throw error('the " is not closed on its line');
    const written = text.slice(at, end + 1);
    at = end + 1;
    try {
      return String(JSON.parse(written));
    } catch {
      throw error('a string in quotes holds an unknown escape or a control character');
    }
  };

  return {
    line: () => line,
    lineInFile: (number) => number - linesBefore,
    peek,
    startsWith,
    ahead: (count) => text.slice(at, at + count),
    atLineEnd: () => at >= text.length || peek() === '\n' || atComment(),
    advance: (count) => {
      at += count;
    },
    readSpaces: () => run(spacePattern),
    skipBlank,
    readQuoted,
    readUnquoted: () => run(unquotedPattern),
    error,
  };
}
