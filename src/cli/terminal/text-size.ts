// Measures text in terminal columns and rows. Used by printer.ts and `sync qr`.

import { stripVTControlCharacters } from 'node:util';
import type { Output } from '../io.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Undefined when the output is not a terminal, or its size is unknown. */
export function terminalSize({ isTTY, columns, rows }: Output): TerminalSize | undefined {
  return isTTY && columns && rows ? { columns, rows } : undefined;
}

// An approximation: terminals disagree about some scripts.
const narrow = /[\p{Mn}\p{Me}\p{Cf}]/gu;
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/gu;

/** The columns that a line takes, ignoring escape sequences. */
export function displayWidth(line: string): number {
  const shown = stripVTControlCharacters(line).replace(narrow, '').replace(wide, '--');
  return [...shown].length;
}

/** The rows that the lines take when wrapped at `columns`. */
export function wrappedRows(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
}
