// Prints data to stdout and everything else to stderr. Strips control characters first, so that no server response and no
// MSISDN can control the terminal. Used by every command.

import { Chalk, type ChalkInstance, default as terminalChalk } from 'chalk';
import { printable } from '../../lib/printable.ts';
import type { Output } from '../io.ts';
import { displayWidth, terminalSize, wrappedRows } from './text-size.ts';

export interface PrinterOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Data as JSON, one value per line. */
  readonly json: boolean;
  /** Suppresses notes. */
  readonly quiet: boolean;
  /** False disables colours; true lets chalk decide (terminal, NO_COLOR, FORCE_COLOR). */
  readonly colour: boolean;
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

export interface Printer {
  readonly json: boolean;
  /** Whether stdout is a terminal. */
  readonly interactive: boolean;
  /** One line of data. */
  line(text: string, style?: Style): void;
  /** One line of data: tab-separated fields. */
  fields(fields: readonly string[]): void;
  /** One line of JSON. */
  value(value: unknown): void;
  /** A table with aligned columns. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Trusted text with escape sequences, such as a QR code. Never pass text from outside. */
  raw(text: string): void;
  /** Starts a block that replaces the previous one, when stdout is a terminal. */
  startBlock(): void;
  /** A message on stderr, suppressed by --quiet. */
  note(text: string): void;
  /** A message on stderr, even with --quiet. */
  warn(text: string): void;
  /** The error that ends the command, on stderr. */
  error(code: string, message: string): void;
}

export function createPrinter(options: PrinterOptions): Printer {
  const { stdout, stderr, json, quiet } = options;
  const interactive = stdout.isTTY === true;
  const colours = options.colour ? terminalChalk : new Chalk({ level: 0 });
  // The text of the current block is kept, because the number of rows to erase depends on the width of the terminal at
  // that time.
  let block: string | undefined;

  const write = (text: string): void => {
    if (block !== undefined) block += text;
    stdout.write(text);
  };
  const writeMessage = (text: string): void => {
    // The message appears below the block on the same terminal, so keep both.
    if (stderr.isTTY) block = undefined;
    stderr.write(`${sanitizeLines(text)}\n`);
  };

  return {
    json,
    interactive,
    line: (text, style) => write(`${styled(colours, printable(text), style)}\n`),
    fields: (fields) => write(`${fields.map(printable).join('\t')}\n`),
    value: (value) => write(`${jsonLine(value)}\n`),
    table: (header, rows) => {
      const cells = rows.map((row) => row.map(printable));
      const widths = header.map((name, column) =>
        cells.reduce((width, row) => Math.max(width, displayWidth(row[column] ?? '')), displayWidth(name)),
      );
      const aligned = (row: readonly string[]): string =>
        row
          .map(
            (cell, column) => `${cell}${' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell)))}`,
          )
          .join('  ')
          .trimEnd();
      write(`${[colours.bold(aligned(header)), ...cells.map(aligned)].join('\n')}\n`);
    },
    raw: write,
    startBlock: () => {
      if (interactive && block) {
        const { columns } = terminalSize(stdout) ?? { columns: Number.POSITIVE_INFINITY };
        stdout.write(`\u001b[${wrappedRows(block.split('\n').slice(0, -1), columns)}A\u001b[J`);
      }
      block = '';
    },
    note: (text) => {
      if (!quiet) writeMessage(text);
    },
    warn: (text) => writeMessage(`swob: ${text}`),
    error: (code, message) => {
      if (json) stderr.write(`${jsonLine({ error: { code, message } })}\n`);
      else writeMessage(`swob: ${message}`);
    },
  };
}

function styled(colours: ChalkInstance, text: string, style: Style | undefined): string {
  return style === undefined ? text : colours[style](text);
}

function sanitizeLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON that is lossless and safe on a terminal: escapes the characters that `printable` strips. */
function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
