// How much room text takes on a terminal. Used by printer.ts and by `sync qr`.

import { stripVTControlCharacters } from 'node:util';
import type { Output } from './io.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Undefined when it is no terminal, or one that does not say. */
export function sizeOf({ isTTY, columns, rows }: Output): TerminalSize | undefined {
  return isTTY && columns && rows ? { columns, rows } : undefined;
}

// Not exact for every script; terminals disagree among themselves.
const narrow = /[\p{Mn}\p{Me}\p{Cf}]/gu;
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/gu;

/** Columns that one line of text takes, colours aside. */
export function widthOf(line: string): number {
  const shown = stripVTControlCharacters(line).replace(narrow, '').replace(wide, '--');
  return [...shown].length;
}

/** Rows that these lines take where they wrap after so many columns. */
export function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
}
