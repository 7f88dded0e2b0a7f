// QR codes as a phone scans them: on dark and light terminals, in both forms, with the quiet zone of the standard.

import { stripVTControlCharacters } from 'node:util';
import jsQR from 'jsqr';
import { describe, expect, test } from 'vitest';
import { drawQrCode, encodeQrCode } from '../../../src/cli/terminal/qr-code.ts';
import { layOutQrCode } from '../../../src/cli/terminal/qr-layout.ts';
import {
  cellHeight,
  cellWidth,
  type Palette,
  palettes,
  type Screen,
  showOn,
} from '../../support/terminal-screen.ts';
import { RecordedStream } from '../harness.ts';

const session = `sessions/${'0123456789abcdef'.repeat(2)}/handshake`;
const urls = [
  `http://127.0.0.1:6969/v2/sync/users/alice/${session}`,
  `https://gateway.example.org:443/v2/sync/users/${'u'.repeat(60)}/${session}`,
  'http://a/sessions/1/handshake',
];

// Safe cast: the package exports the function itself, where its types have it under `default`.
const decode = jsQR as unknown as typeof jsQR.default;

/** The text that a scanner reads which supports only dark on light. */
function scan(screen: Screen) {
  const { data, width, height } = screen.pixels();
  return decode(data, width, height, { inversionAttempts: 'dontInvert' });
}

/** Number of white modules around the code on the screen. */
function quietZoneOf(screen: Screen, moduleWidth: number): number {
  const { data, width, height } = screen.pixels();
  const is = (x: number, y: number, value: number): boolean =>
    x >= 0 &&
    y >= 0 &&
    x < width &&
    y < height &&
    [0, 1, 2].every((c) => data[(y * width + x) * 4 + c] === value);
  const found = scan(screen)?.location;
  if (!found) throw new Error('there is no code');
  const { topLeftCorner: from, bottomRightCorner: to } = found;
  const [left, top, right, bottom] = [from.x, from.y, to.x, to.y].map(Math.round) as [
    number,
    number,
    number,
    number,
  ];
  let zone = 0;
  for (;;) {
    const away = Math.floor((zone + 0.5) * moduleWidth);
    for (let x = left - away; x < right + away; x++) {
      if (!is(x, top - 1 - away, 255) || !is(x, bottom + away, 255)) return zone;
    }
    for (let y = top - away; y < bottom + away; y++) {
      if (!is(left - 1 - away, y, 255) || !is(right + away, y, 255)) return zone;
    }
    zone += 1;
  }
}

describe.each(Object.entries(palettes))('on a %s terminal', (_name, palette: Palette) => {
  test.each([
    ['large', 2 * cellWidth],
    ['small', cellHeight / 2],
  ] as const)('the %s form scans and has a quiet zone of 4', (size, moduleWidth) => {
    for (const url of urls) {
      const art = drawQrCode(encodeQrCode(url), { size, colour: true });
      // Other text around it, like the prompt of a shell.
      const columns = stripVTControlCharacters(art[0] ?? '').length + 2;
      const edge = '#'.repeat(columns);
      const text = `${edge}\n${art.map((line) => `#${line}#`).join('\n')}\n${edge}`;
      const screen = showOn(text, [columns, art.length + 2], palette);
      expect(scan(screen)?.data).toBe(url);
      expect([size, quietZoneOf(screen, moduleWidth)]).toEqual([size, 4]);
    }
  });
});

test('without colours it scans on a dark terminal, with the same quiet zone', () => {
  for (const [size, moduleWidth] of [
    ['large', 2 * cellWidth],
    ['small', cellHeight / 2],
  ] as const) {
    const art = drawQrCode(encodeQrCode(urls[0] ?? ''), { size, colour: false });
    expect(art.join('')).not.toContain('\u001b');
    const screen = showOn(art.join('\n'), [110, 60], { foreground: [255, 255, 255], background: [0, 0, 0] });
    expect(scan(screen)?.data).toBe(urls[0]);
    expect(quietZoneOf(screen, moduleWidth)).toBeGreaterThanOrEqual(size === 'large' ? 4 : 3);
  }
});

describe('the layout', () => {
  const [url = ''] = urls;
  const countdown = 'code 1 of 3, 15 s left';

  function lay(columns: number, rows: number, small = false) {
    const stdout = new RecordedStream(true);
    [stdout.columns, stdout.rows] = [columns, rows];
    return layOutQrCode(encodeQrCode(url), [url, countdown], { small, colour: true, stdout });
  }

  test.each([
    ['a large terminal', 200, 70, false, 'large', true],
    ['80 columns and 24 rows', 80, 24, false, 'small', false],
    ['80 columns and 30 rows', 80, 30, false, 'small', true],
    ['a large one, when small is asked for', 200, 70, true, 'small', true],
    ['a wide and low one', 160, 46, false, 'large', false],
    ['100 columns and 48 rows', 100, 48, false, 'large', true],
    ['100 columns and 47 rows', 100, 47, false, 'small', true],
  ] as const)('on %s: all on the screen, and it scans', (_what, columns, rows, small, form, hasCaptions) => {
    const { art = [], captions } = lay(columns, rows, small);
    expect(art.length).toBe(form === 'large' ? 45 : 23);
    expect(captions).toEqual(hasCaptions ? [url, countdown] : []);
    const screen = showOn(
      `${[...art, ...captions].join('\n')}\n`,
      [columns, rows],
      palettes.light as Palette,
    );
    expect(scan(screen)?.data).toBe(url);
    const shown = screen.text().map((line) => line.trim());
    // Nothing has scrolled off the screen: the text is complete, wherever it is.
    expect(shown.join('').replaceAll(/[█▀▄ ]/g, '')).toContain((url + countdown).replaceAll(' ', ''));
    expect(screen.text().at(-1)?.trim()).toBe('');
  });

  test('with little space it has a smaller quiet zone, and with less it is not drawn', () => {
    const tight = lay(80, 22);
    expect(tight.art).toHaveLength(21);
    const screen = showOn(`${tight.art?.join('\n')}\n`, [80, 22], palettes.dark as Palette);
    expect(scan(screen)?.data).toBe(url);
    expect(lay(80, 23).art).toHaveLength(22);
    expect(lay(80, 21)).toEqual({ art: undefined, captions: [url, countdown] });
    expect(lay(40, 100).art).toBeUndefined();
  });
});
