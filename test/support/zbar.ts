// Reads QR codes as zbar (Debian's zbar-tools) does: dark on light only.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from './binary.ts';
import { temporaryFolder } from './folders.ts';
import type { Need } from './needs.ts';
import type { Screen } from './terminal-screen.ts';

export const zbar: Need = { command: 'zbarimg' };

/** The text of the QR code in an image file; empty when there is none. Bytes are read as UTF-8. */
export async function readQrCode(image: string): Promise<string> {
  // Binary, because zbar otherwise guesses the character set.
  const args = ['--quiet', '--raw', '--nodbus', '-Sdisable', '-Sqrcode.enable', '-Sbinary', image];
  const { stdout, stderr, code } = await runProcess('zbarimg', args, { cwd: temporaryFolder() });
  // 4 means that the image has no code.
  if (code !== 0 && code !== 4) throw new Error(`zbarimg ended with ${code}: ${stderr}`);
  return stdout;
}

/** The same for a picture of the terminal. */
export async function readScreen(screen: Screen): Promise<string> {
  const { data, width, height } = screen.pixels();
  const file = join(temporaryFolder(), 'screen.ppm');
  const colours = Buffer.from(data.filter((_, index) => index % 4 !== 3));
  await writeFile(file, Buffer.concat([Buffer.from(`P6 ${width} ${height} 255\n`), colours]));
  return readQrCode(file);
}
