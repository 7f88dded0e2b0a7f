// Places a QR code and its captions on a terminal so that no line of the code wraps or scrolls off the screen.
// Used by `sync qr` and `sms invite`.

import type { Output } from '../io.ts';
import { drawQrCode, type QrModules } from './qr-code.ts';
import { displayWidth, type TerminalSize, terminalSize, wrappedRows } from './text-size.ts';

export interface Layout {
  /** Undefined when the code does not fit. */
  readonly art: readonly string[] | undefined;
  /** Lines below the code. */
  readonly captions: readonly string[];
}

interface LayoutOptions {
  readonly small: boolean;
  readonly colour: boolean;
  readonly stdout: Output;
}

const gap = '  ';

// A narrower quiet zone than the standard, which most phones still scan, is better than no code.
const smallForms = [
  { size: 'small' },
  { size: 'small', quietZone: 3 },
  { size: 'small', quietZone: 2 },
] as const;

/**
 * The largest form that fits, with the captions, such as a URL and a countdown, below it, or beside it when no rows are
 * left. The captions must be ASCII.
 */
export function layOutQrCode(
  modules: QrModules,
  below: readonly string[],
  { small, colour, stdout }: LayoutOptions,
): Layout {
  const size = terminalSize(stdout);
  // Output that is not for a terminal uses the small form, which is easier to read in a file.
  const form = small || !colour ? 'small' : 'large';
  if (!size) return { art: drawQrCode(modules, { size: form, colour }), captions: below };
  for (const candidate of form === 'small' ? smallForms : [{ size: 'large' } as const, ...smallForms]) {
    const art = drawQrCode(modules, { ...candidate, colour });
    if (fits(art, below, size)) return { art, captions: below };
    const wide = placeBeside(art, below, size);
    if (wide && fits(wide, [], size)) return { art: wide, captions: [] };
  }
  return { art: undefined, captions: below };
}

function fits(art: readonly string[], below: readonly string[], size: TerminalSize): boolean {
  // The cursor takes the last row.
  const free = size.rows - 1 - wrappedRows(below, size.columns);
  return art.length <= free && art.every((line) => displayWidth(line) <= size.columns);
}

/** The code with the texts wrapped to its right; undefined when they do not fit there. */
function placeBeside(
  art: readonly string[],
  texts: readonly string[],
  { columns }: TerminalSize,
): string[] | undefined {
  const left = columns - displayWidth(art[0] ?? '') - gap.length;
  const shortest = texts.at(-1)?.length ?? 0;
  if (left < shortest) return undefined;
  const pieces = texts.flatMap((text) => text.match(new RegExp(`.{1,${left}}`, 'g')) ?? []);
  if (pieces.length > art.length) return undefined;
  return art.map((line, row) => (pieces[row] === undefined ? line : `${line}${gap}${pieces[row]}`));
}
