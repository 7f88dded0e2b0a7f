// A terminal of a given size and palette, as far as `sync qr` needs one, with its screen as pixels for a QR decoder.

import { deepStrictEqual } from 'node:assert';

type Rgb = readonly [number, number, number];

export interface Palette {
  readonly foreground: Rgb;
  readonly background: Rgb;
}

export const palettes: Readonly<Record<string, Palette>> = {
  dark: { foreground: [208, 207, 204], background: [23, 20, 33] },
  light: { foreground: [76, 79, 105], background: [239, 241, 245] },
  solarized: { foreground: [101, 123, 131], background: [253, 246, 227] },
};

const esc = String.fromCharCode(27);
const controlOrCharacter = new RegExp(`${esc}\\[([\\d;]*)([A-Za-z])|\\n|[^\\n]`, 'gu');

interface Cell {
  readonly character: string;
  readonly foreground: Rgb;
  readonly background: Rgb;
}

export const cellWidth = 4;
export const cellHeight = 8;

export interface Screen {
  /** The pixels, RGBA, row by row. */
  pixels(): { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number };
  /** The characters of each row. */
  text(): string[];
}

/** The screen after this output. Throws for an unknown control sequence. */
export function showOn(text: string, [columns, rows]: readonly [number, number], palette: Palette): Screen {
  const blank: Cell = { character: ' ', ...palette };
  const blankRow = (): Cell[] => Array.from({ length: columns }, () => blank);
  const cells = Array.from({ length: rows }, blankRow);
  let [row, column] = [0, 0];
  let pen: Palette = palette;
  const nextRow = (): void => {
    if (row < rows - 1) row += 1;
    else {
      cells.shift();
      cells.push(blankRow());
    }
  };
  const parts = text.matchAll(controlOrCharacter);
  for (const [part, parameters = '', final] of parts) {
    if (part === '\n') {
      nextRow();
      column = 0;
    } else if (final === 'm') pen = penAfter(pen, parameters, palette);
    else if (final === 'A') row = Math.max(0, row - Number(parameters || '1'));
    else if (final === 'J') {
      cells[row]?.fill(blank, column);
      for (const below of cells.slice(row + 1)) below.fill(blank);
    } else if (final !== undefined || part === esc) throw new Error(`unknown: ${JSON.stringify(part)}`);
    else {
      // A terminal wraps when the next character comes, not at the last column.
      if (column === columns) {
        nextRow();
        column = 0;
      }
      const line = cells[row];
      if (line) line[column] = { character: part, ...pen };
      column += 1;
    }
  }
  return {
    text: () => cells.map((line) => line.map(({ character }) => character).join('')),
    pixels: () => pixelsOf(cells, columns, rows),
  };
}

function penAfter(pen: Palette, parameters: string, palette: Palette): Palette {
  const codes = parameters.split(';').map(Number);
  let { foreground, background } = pen;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index];
    if (code === 0) ({ foreground, background } = palette);
    else if (code === 38 || code === 48) {
      deepStrictEqual(codes[index + 1], 5);
      const colour = colourOf(codes[index + 2]);
      if (code === 38) foreground = colour;
      else background = colour;
      index += 2;
      // Bold, dim and the colours of a theme, of captions only.
    } else if (![1, 2, 22, 32, 33, 39].includes(code ?? -1)) throw new Error(`unknown SGR ${parameters}`);
  }
  return { foreground, background };
}

/** Of the 256 colours, the two that are the same in every theme. */
function colourOf(index: number | undefined): Rgb {
  if (index === 16) return [0, 0, 0];
  if (index === 231) return [255, 255, 255];
  throw new Error(`colour ${index} is what a theme makes of it`);
}

function pixelsOf(cells: readonly (readonly Cell[])[], columns: number, rows: number) {
  const [width, height] = [columns * cellWidth, rows * cellHeight];
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = cells[Math.floor(y / cellHeight)]?.[Math.floor(x / cellWidth)];
      if (!cell) continue;
      const upper = y % cellHeight < cellHeight / 2;
      const filled = isFilled(cell.character, upper, (x + y) % 3 === 0);
      data.set([...(filled ? cell.foreground : cell.background), 255], (y * width + x) * 4);
    }
  }
  return { data, width, height };
}

/** Block characters as they are; any other as something that is partly there. */
function isFilled(character: string, upper: boolean, dotted: boolean): boolean {
  switch (character) {
    case ' ':
      return false;
    case '█':
      return true;
    case '▀':
      return upper;
    case '▄':
      return !upper;
    default:
      return dotted;
  }
}
