// Draws QR codes as lines of text that scan on every terminal: black on white whatever the theme, with the standard quiet
// zone. Used by `sync qr`, `sms invite` and qr-image.ts.

import qrcode from 'qrcode-terminal';
import { SwobError } from '../../errors.ts';

export interface QrOptions {
  /** `large`: two columns per module; `small`: one column and half a row. */
  readonly size: 'large' | 'small';
  /** False when the output is not a terminal: draws light modules, for light text on dark. */
  readonly colour: boolean;
  /** Width of the white border, in modules. */
  readonly quietZone?: number;
}

/** Required by ISO/IEC 18004. */
const standardQuietZone = 4;

/** Of the largest QR code, at the lowest level of error correction. */
const maxTextBytes = 2_953;

// Colours beyond the first 16, which terminal themes redefine.
const white = '\u001b[38;5;16;48;5;231m';
const black = '\u001b[38;5;231;48;5;16m';
const plain = '\u001b[0m';

/** The rows of a QR code; true means a dark module. */
export type QrModules = readonly (readonly boolean[])[];

/** The lines of a QR code, all of the same width. */
export function drawQrCode(modules: QrModules, options: QrOptions): string[] {
  const { size, colour, quietZone } = options;
  const rows = addQuietZone(modules, quietZone);
  if (size === 'large') return rows.map((row) => (colour ? largeRow(row) : plainLargeRow(row)));
  const lines: string[] = [];
  for (let row = 0; row < rows.length; row += 2) {
    lines.push(smallRow(rows[row] ?? [], rows[row + 1], colour));
  }
  return lines;
}

/**
 * Encodes a text as UTF-8. Throws TOO_LARGE when no QR code holds it. Parses the small form of qrcode-terminal, which does
 * not expose the modules.
 */
export function encodeQrCode(text: string): QrModules {
  const bytes = Buffer.from(text);
  if (bytes.length > maxTextBytes) {
    const sizes = `the text has ${bytes.length} bytes, and a QR code holds ${maxTextBytes}`;
    throw new SwobError('TOO_LARGE', `cannot draw a QR code: ${sizes}; shorten the values in it`);
  }
  let art = '';
  // qrcode-terminal writes one byte for each character.
  qrcode.generate(bytes.toString('latin1'), { small: true }, (drawn) => {
    art = drawn;
  });
  // The first line and the first and last character of each line are a border.
  const lines = art
    .split('\n')
    .slice(1)
    .map((line) => [...line].slice(1, -1));
  const count = lines[0]?.length ?? 0;
  return lines
    .flatMap((line) => [line.map((half) => !'█▀'.includes(half)), line.map((half) => !'█▄'.includes(half))])
    .slice(0, count);
}

/** The modules with a white border, by default that of the standard. */
export function addQuietZone(modules: QrModules, quietZone = standardQuietZone): QrModules {
  const side = Array.from({ length: quietZone }, () => false);
  const rows = modules.map((row) => [...side, ...row, ...side]);
  const blank = (): boolean[][] => side.map(() => Array.from({ length: rows[0]?.length ?? 0 }, () => false));
  return [...blank(), ...rows, ...blank()];
}

function largeRow(row: readonly boolean[]): string {
  return `${row.map((dark, index) => `${dark === row[index - 1] ? '' : dark ? black : white}  `).join('')}${plain}`;
}

function plainLargeRow(row: readonly boolean[]): string {
  return row.map((dark) => (dark ? '  ' : '██')).join('');
}

/** Draws two rows of modules in one line of text; `lower` is undefined below an odd last row. */
function smallRow(upper: readonly boolean[], lower: readonly boolean[] | undefined, colour: boolean): string {
  const halves = upper.map((dark, column) => {
    const below = lower?.[column] ?? false;
    return colour ? halfBlock(dark, below) : halfBlock(!dark, lower !== undefined && !below);
  });
  return colour ? `${white}${halves.join('')}${plain}` : halves.join('');
}

/** The block character that fills these halves with the foreground colour. */
function halfBlock(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
