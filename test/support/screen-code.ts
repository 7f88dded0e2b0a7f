// Reads a QR code back from the pixels that a browser shows, as a phone's camera would. Used by the tests of the pairing page.

import { decode } from 'fast-png';
import jsQR from 'jsqr';
import type { Page } from 'playwright-core';

/** Its types are those of an ES module, and it is none. */
const decodeCode = jsQR as unknown as typeof jsQR.default;

/** The text of the QR code on the screen; undefined when there is none that can be read. */
export async function codeOnScreen(page: Page): Promise<string | undefined> {
  const { width, height, data, channels } = decode(await page.screenshot());
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let index = 0; index < width * height; index++)
    for (let channel = 0; channel < 3; channel++)
      pixels[index * 4 + channel] = data[index * channels + channel] ?? 0;
  return decodeCode(pixels, width, height)?.data;
}
