// The one printer: data on stdout, everything else on stderr. What comes from outside is made
// printable first, so that no server and no MSISDN can steer the terminal. Used by every command.

import { Chalk, type ChalkInstance, default as terminalChalk } from 'chalk';
import { printable } from '../printable.ts';
import type { Output } from './io.ts';
import { rowsOf, sizeOf } from './terminal.ts';

export interface PrinterOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Data as JSON, one value a line. */
  readonly json: boolean;
  /** No notes. */
  readonly quiet: boolean;
  /** False turns colours off; true leaves the choice to chalk (terminal, NO_COLOR, FORCE_COLOR). */
  readonly colour: boolean;
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

export interface Printer {
  readonly json: boolean;
  /** Stdout is a terminal. */
  readonly interactive: boolean;
  /** One line of data. */
  line(text: string, style?: Style): void;
  /** One line of data: fields with tabs between them. */
  fields(fields: readonly string[]): void;
  /** One line of JSON. */
  value(value: unknown): void;
  /** Columns as wide as they need to be. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Text that is ours entirely, escapes and line ends included (a QR code). Never text from outside. */
  raw(text: string): void;
  /** From here on what is written replaces the block before it, when stdout is a terminal. */
  startBlock(): void;
  /** For people, on stderr; nothing when quiet. */
  note(text: string): void;
  /** On stderr, even when quiet. */
  warn(text: string): void;
  /** The error that ends the command, on stderr. */
  error(code: string, message: string): void;
}

export function createPrinter(options: PrinterOptions): Printer {
  const { stdout, stderr, json, quiet } = options;
  const interactive = stdout.isTTY === true;
  const colours = options.colour ? terminalChalk : new Chalk({ level: 0 });
  // A block stays until the next one starts; its text is kept, because how many rows have to be taken back
  // depends on how wide the terminal is by then.
  let block: string | undefined;

  const write = (text: string): void => {
    if (block !== undefined) block += text;
    stdout.write(text);
  };
  const say = (text: string): void => {
    // Stands below the block on the same terminal: neither is taken back.
    if (stderr.isTTY) block = undefined;
    stderr.write(`${printableLines(text)}\n`);
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
        cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), name.length),
      );
      const aligned = (row: readonly string[]): string =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd();
      write(`${[colours.bold(aligned(header)), ...cells.map(aligned)].join('\n')}\n`);
    },
    raw: write,
    startBlock: () => {
      if (interactive && block) {
        const { columns } = sizeOf(stdout) ?? { columns: Number.POSITIVE_INFINITY };
        stdout.write(`\u001b[${rowsOf(block.split('\n').slice(0, -1), columns)}A\u001b[J`);
      }
      block = '';
    },
    note: (text) => {
      if (!quiet) say(text);
    },
    warn: (text) => say(`swob: ${text}`),
    error: (code, message) => {
      if (json) stderr.write(`${jsonLine({ error: { code, message } })}\n`);
      else say(`swob: ${message}`);
    },
  };
}

function styled(colours: ChalkInstance, text: string, style: Style | undefined): string {
  return style === undefined ? text : colours[style](text);
}

function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON that is whole for programs and harmless on a terminal: what `printable` drops is escaped here. */
function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
