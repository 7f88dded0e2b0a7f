// Walks over the characters of a HOCON text: spaces, comments, strings; counts its lines.
// Used by hocon-parser.ts.

import { HoconError } from './hocon-nodes.ts';

export interface Scanner {
  /** Counted from 1. */
  line(): number;
  /** The character here; empty at the end. */
  peek(): string;
  startsWith(text: string): boolean;
  /** At the end of the text, of the line, or at a comment. */
  atLineEnd(): boolean;
  advance(count: number): void;
  /** Spaces of this line; what they are. */
  spaces(): string;
  /** Spaces, line ends and comments; whether a line ended. */
  gap(): boolean;
  /** A string in `"` or `"""`. */
  quoted(): string;
  /** Characters that need no quotes; empty when there are none here. */
  unquoted(): string;
  fault(message: string): HoconError;
}

/** A number may hold a `+`, which else needs quotes; a `/` may not begin a comment. */
const unquotedRun = /-?\d+(?:\.\d+)?[eE]\+\d+|(?:[^\s$"{}[\]:=,+#`^?!@*&\\/]|\/(?!\/))+/y;
const spaceRun = /[^\S\n]+/y;

export function createScanner(text: string): Scanner {
  let at = 0;
  let line = 1;

  const fault = (message: string): HoconError => new HoconError(line, message);
  const peek = (): string => text.charAt(at);
  const startsWith = (expected: string): boolean => text.startsWith(expected, at);
  const atComment = (): boolean => peek() === '#' || startsWith('//');

  const run = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };

  const gap = (): boolean => {
    const before = line;
    for (;;) {
      run(spaceRun);
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
    if (end < 0) throw fault('the """ is never closed');
    // Of more than three quotes at the end, the last three close the string.
    while (text.charAt(end + 3) === '"') end++;
    const content = text.slice(start, end);
    line += content.split('\n').length - 1;
    at = end + 3;
    return content;
  };

  const quoted = (): string => {
    if (startsWith('"""')) return tripleQuoted();
    let end = at + 1;
    while (end < text.length && text.charAt(end) !== '"' && text.charAt(end) !== '\n') {
      end += text.charAt(end) === '\\' ? 2 : 1;
    }
    if (text.charAt(end) !== '"') throw fault('the " is not closed on its line');
    const written = text.slice(at, end + 1);
    at = end + 1;
    try {
      return String(JSON.parse(written));
    } catch {
      throw fault('a string in quotes holds an unknown escape or a control character');
    }
  };

  return {
    line: () => line,
    peek,
    startsWith,
    atLineEnd: () => at >= text.length || peek() === '\n' || atComment(),
    advance: (count) => {
      at += count;
    },
    spaces: () => run(spaceRun),
    gap,
    quoted,
    unquoted: () => run(unquotedRun),
    fault,
  };
}
